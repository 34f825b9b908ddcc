"""Predictions of the last half hour, in memory only: customers are written nowhere."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from churn_webapp.errors import NotFound
from churn_webapp.prediction.prediction import Predicted
from churn_webapp.prediction.upload import MOST_CELLS

KEPT_SECONDS = 30 * 60.0


@dataclass(frozen=True)
class _Kept:
    owner: str
    until: float
    predicted: Predicted


class Results:
    """By an identifier that cannot be guessed, and for the browser that asked only."""

    def __init__(self, kept_seconds: float = KEPT_SECONDS, most_cells: int = MOST_CELLS) -> None:
        self._kept_seconds = kept_seconds
        self._most_cells = most_cells
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def keep(self, owner: str, predicted: Predicted) -> str:
        """Keep it for `owner`, a browser's session; answers the identifier. The oldest make room."""
        identifier = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_old()
            self._kept[identifier] = _Kept(owner, time.monotonic() + self._kept_seconds, predicted)
            while len(self._kept) > 1 and self._cells() > self._most_cells:
                self._kept.popitem(last=False)
        return identifier

    def find(self, owner: str, identifier: str) -> Predicted:
        """Raises NotFound if it is too old, made room, or belongs to another browser."""
        with self._lock:
            self._forget_old()
            kept = self._kept.get(identifier)
        if kept is None or not secrets.compare_digest(kept.owner, owner):
            raise NotFound("These predictions are gone: they are kept for half an hour. Predict the customers again.")
        return kept.predicted

    def _cells(self) -> int:
        uploads = (kept.predicted.upload for kept in self._kept.values())
        return sum(len(upload.rows) * len(upload.columns) for upload in uploads)

    def _forget_old(self) -> None:
        now = time.monotonic()
        for identifier in [name for name, kept in self._kept.items() if kept.until < now]:
            del self._kept[identifier]
