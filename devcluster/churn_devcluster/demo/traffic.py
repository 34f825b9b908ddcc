"""An application that never stops asking: who answered, and did anything fail?"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

VERSION_HEADER = "x-churn-model-version"
_PAUSE_WHEN_ABSENT_SECONDS = 0.2
# An application does more than ask. Without a pause it would take a whole core from those who train and serve.
# And few threads: where eight ask at the same time, they wait for one another at the stable version, which has most of
# the requests, and a candidate that is five times slower is hardly behind.
_BETWEEN_REQUESTS_SECONDS = 0.008


@dataclass
class Tally:
    """Answers by version, and what went wrong; `failed` counts failures by the version that answered, or by
    an empty string where none did."""

    versions: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def answers(self) -> int:
        """Requests that were answered."""
        return sum(self.versions.values())

    def share(self, version: int) -> float:
        """Share of the answers that came from this version, from 0 to 1."""
        return self.versions[str(version)] / self.answers if self.answers else 0.0


class Traffic:
    """Threads that send one customer after the other to `:predict`, each with a connection of its own."""

    def __init__(self, url: str, customers: Sequence[Mapping[str, Any]], threads: int = 2) -> None:
        self._url = url
        self._customers = customers
        self._stop = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self.total = Tally()
        self._window = Tally()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._flowing.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def pause(self) -> None:
        """Send nothing until `resume`."""
        self._flowing.clear()

    def resume(self) -> None:
        """Send again."""
        self._flowing.set()

    def window(self) -> Tally:
        """Start a new window; answers what was counted in the one that ends. A request that began in it and has no
        answer yet is of neither: it may have been sent on before what the next one is to show."""
        with self._lock:
            ended, self._window = self._window, Tally()
        return ended

    def seen(self) -> int:
        """Answers in the window so far."""
        with self._lock:
            return self._window.answers

    def _run(self, offset: int) -> None:
        customers = itertools.islice(itertools.cycle(self._customers), offset, None)
        with httpx.Client(trust_env=False, timeout=60) as client:
            for customer in customers:
                self._flowing.wait()
                if self._stop.is_set():
                    return
                self._ask(client, customer)
                time.sleep(_BETWEEN_REQUESTS_SECONDS)

    def _ask(self, client: httpx.Client, customer: Mapping[str, Any]) -> None:
        with self._lock:
            window = self._window
        try:
            answer = client.post(self._url, json={"instances": [customer]})
            failure = None if answer.is_success else f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            answer, failure = None, f"{type(error).__name__}: {error}"
        version = "" if answer is None else answer.headers.get(VERSION_HEADER, "")
        with self._lock:
            for tally in (self.total, window) if window is self._window else (self.total,):
                if failure is None:
                    tally.versions[version] += 1
                else:
                    tally.failures.append(failure)
                    tally.failed[version] += 1
        if failure is not None:
            time.sleep(_PAUSE_WHEN_ABSENT_SECONDS)
