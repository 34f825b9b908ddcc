"""The watches of the API server, begun again whenever they end. What works beside them does not notice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from churn_operator.reconcile.metrics import LoopMetrics

_log = structlog.get_logger()

STEADY = 600.0
"""Seconds after which watches are held to be well: a listing that takes longer than the API server keeps its pages
(five to ten minutes) has failed by then."""

LONGEST_FAILING = 1200.0
"""Seconds for which watches may end again and again before a restart of the process is worth a try."""

PAUSE_FIRST, PAUSE_MOST = 1.0, 60.0
_LONGEST_ERROR = 500


class Watches:
    """Keeps watching. To be used from one event loop."""

    def __init__(self, metrics: LoopMetrics) -> None:
        self.begun_again = asyncio.Event()
        """Set for whoever has to know that what went meanwhile was not told."""
        self._metrics = metrics
        self._began: float | None = None
        self._failing_since: float | None = None
        self._failures = 0

    @property
    def watching(self) -> bool:
        """Whether changes are seen, or are listed at the moment."""
        return self._began is not None

    @property
    def failing(self) -> bool:
        """Whether the watches have ended again and again for so long that a restart may help."""
        if self._failing_since is None or self._is_steady():
            return False
        return _now() - self._failing_since > LONGEST_FAILING

    async def keep(self, watch: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """Run `watch`, and again after a pause whenever it ends or fails, until `stop` is set."""
        while not stop.is_set():
            self._began = _now()
            try:
                await watch()
                why = "they ended by themselves"
            except Exception as error:
                why = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
            finally:
                self._ended()
            if not stop.is_set():
                await self._pause(why, stop)

    def _is_steady(self) -> bool:
        return self._began is not None and _now() - self._began >= STEADY

    def _ended(self) -> None:
        if self._is_steady():
            self._failures, self._failing_since = 0, None
        self._began = None

    async def _pause(self, why: str, stop: asyncio.Event) -> None:
        self._failures += 1
        self._failing_since = _now() if self._failing_since is None else self._failing_since
        self._metrics.watch_restarts.inc()
        seconds = min(PAUSE_FIRST * 2 ** min(self._failures - 1, 10), PAUSE_MOST) * random.uniform(0.8, 1.2)
        _log.warning(
            "the watches of the API server ended and are begun again; workers go on",
            error=why,
            failures=self._failures,
            pause_seconds=round(seconds, 1),
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        self.begun_again.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
