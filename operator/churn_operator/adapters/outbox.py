"""What is sent behind the passes: in order, within bounds, and lost rather than waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from churn_operator.errors import AdapterError

Item = TypeVar("Item")

_log = structlog.get_logger()


class Outbox(Generic[Item]):
    """Delivers items one after the other in each of a few lanes, so that a slow receiver holds up few.

    At most `limit` wait in a lane; beyond it the oldest are dropped, which tell of a time long past. What cannot be
    delivered is only logged. Used in the running event loop.
    """

    def __init__(
        self, source: str, deliver: Callable[[Item], Awaitable[None]], lanes: int = 4, limit: int = 1000
    ) -> None:
        """`deliver` may raise an AdapterError; `source` names the receivers in the log."""
        self._source = source
        self._deliver = deliver
        self._limit = limit
        self._waiting: tuple[deque[Item], ...] = tuple(deque() for _ in range(lanes))
        self._sending: dict[int, asyncio.Task[None]] = {}
        self.dropped = 0

    def put(self, item: Item, about: Hashable) -> None:
        """Have an item delivered; those about the same thing keep their order."""
        lane = hash(about) % len(self._waiting)
        waiting = self._waiting[lane]
        if len(waiting) >= self._limit:
            waiting.popleft()
            self.dropped += 1
            _log.warning("too much waits to be delivered: the oldest is dropped", source=self._source)
        waiting.append(item)
        if lane not in self._sending:
            self._sending[lane] = asyncio.create_task(self._send(lane), name=f"{self._source}-{lane}")

    async def drained(self) -> None:
        """Return once nothing waits any more."""
        while self._sending:
            await asyncio.gather(*self._sending.values())

    async def close(self) -> None:
        """Forget what waits, and end what is under way."""
        sending = list(self._sending.values())
        for waiting in self._waiting:
            waiting.clear()
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    async def _send(self, lane: int) -> None:
        waiting = self._waiting[lane]
        try:
            while waiting:
                try:
                    await self._deliver(waiting.popleft())
                except AdapterError as error:
                    _log.warning("not delivered", source=error.source, error=error.message)
        finally:
            del self._sending[lane]
