"""Answers that are good for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")
_MOST_KEPT = 2048


class Recent(Generic[_Answer]):
    """Keeps each answer for `seconds`. Safe in threads; what is asked for at once may be asked twice."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, _Answer]] = {}

    def get(self, key: Hashable, ask: Callable[[], _Answer]) -> _Answer:
        """The kept answer, else that of `ask`, whose errors are not kept."""
        with self._lock:
            found = self._kept.get(key)
        if found is not None and time.monotonic() - found[0] < self._seconds:
            return found[1]
        answer = ask()
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (time.monotonic(), answer)
        return answer

    def forget(self) -> None:
        """Ask again the next time."""
        with self._lock:
            self._kept.clear()
