"""One question to the outside world that many ask: one request answers them all for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")

_LONGEST_FAILURE = 2.0


class Aged(Generic[Answer]):
    """The last answer to `ask`. Concurrent callers share one request, also its failure; a failure is
    remembered for two seconds at most, so that an outage costs one request and its end is seen soon."""

    def __init__(
        self, ask: Callable[[], Coroutine[Any, Any, Answer]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._asked = 0.0
        self._task: asyncio.Task[Answer] | None = None
        self._before: tuple[float, Answer] | None = None

    async def get(self, max_age: float, grace: float = 0.0) -> Answer:
        """An answer that was asked for at most `max_age` seconds ago; one up to `grace` seconds older is given
        too, while a new one is asked for that nobody waits for. Raises what `ask` raises."""
        task = self._task
        if task is None or (task.done() and self._clock() - self._asked > self._lifetime(task, max_age)):
            task = self._renew(task)
        if not task.done() and self._before is not None and self._clock() - self._before[0] <= max_age + grace:
            return self._before[1]
        # A caller that gives up must not take the answer from the others.
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Ask anew next time."""
        self._task = self._before = None

    def _renew(self, last: asyncio.Task[Answer] | None) -> asyncio.Task[Answer]:
        answered = last is not None and not last.cancelled() and last.exception() is None
        self._before = (self._asked, last.result()) if last is not None and answered else None
        self._asked = self._clock()
        self._task = asyncio.create_task(self._ask())
        self._task.add_done_callback(_look_at_failure)
        return self._task

    @staticmethod
    def _lifetime(task: asyncio.Task[Answer], max_age: float) -> float:
        failed = task.cancelled() or task.exception() is not None
        return min(max_age, _LONGEST_FAILURE) if failed else max_age


def _look_at_failure(task: asyncio.Task[Any]) -> None:
    """Tell asyncio that the failure is known even where every caller has given up."""
    if not task.cancelled():
        task.exception()
