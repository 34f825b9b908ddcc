"""A queue of keys: each key waits at most once, is worked on by one worker at a time, and may be due later.

The semantics are those of client-go's workqueue: a key added while it is worked on is handed out again
when that pass is done. What changed goes before what is only looked at again, which gets every fourth turn.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from datetime import timedelta
from typing import Generic, TypeVar

K = TypeVar("K")

_TURNS = 4


class WorkQueue(Generic[K]):
    """To be used from one event loop."""

    def __init__(self) -> None:
        self._ready: OrderedDict[K, None] = OrderedDict()
        self._looked_at_again: OrderedDict[K, None] = OrderedDict()
        self._turn = 0
        self._processing: set[K] = set()
        self._again: set[K] = set()
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._sequence = 0
        self._wakened = asyncio.Event()

    def add(self, key: K) -> None:
        """Hand the key out as soon as a worker is free."""
        self._due.pop(key, None)
        if key in self._processing:
            self._again.add(key)
        else:
            self._looked_at_again.pop(key, None)
            self._ready[key] = None
            self._wakened.set()

    def add_after(self, key: K, delay: timedelta) -> None:
        """Hand the key out after a delay, unless it is due sooner anyway."""
        if delay <= timedelta(0):
            self.add(key)
            return
        due = asyncio.get_running_loop().time() + delay.total_seconds()
        if key in self._ready or key in self._looked_at_again or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        self._sequence += 1
        heapq.heappush(self._heap, (due, self._sequence, key))
        self._wakened.set()

    def forget(self, key: K) -> None:
        """Drop whatever the key was waiting for."""
        self._due.pop(key, None)
        self._ready.pop(key, None)
        self._looked_at_again.pop(key, None)
        self._again.discard(key)

    async def get(self) -> K:
        """The next key; the caller must call `done` with it."""
        while True:
            delay = self._promote_due()
            if self.depth:
                key = self._next()
                self._processing.add(key)
                self._due.pop(key, None)
                if self.depth:
                    self._wakened.set()
                return key
            self._wakened.clear()
            try:
                # Not wait_for: before Python 3.12 it loses a cancellation that comes with what it waits for.
                async with asyncio.timeout(delay):
                    await self._wakened.wait()
            except TimeoutError:
                continue

    def done(self, key: K) -> None:
        """The pass for this key has ended."""
        self._processing.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    @property
    def depth(self) -> int:
        """Keys that wait for a worker now."""
        return len(self._ready) + len(self._looked_at_again)

    def _next(self) -> K:
        self._turn += 1
        patient = self._turn % _TURNS == 0 or not self._ready
        key, _ = (self._looked_at_again if patient and self._looked_at_again else self._ready).popitem(last=False)
        return key

    def _promote_due(self) -> float | None:
        """Move what is due to the ready keys; answers the seconds until the next one, or None."""
        now = asyncio.get_running_loop().time()
        while self._heap:
            due, _, key = self._heap[0]
            if self._due.get(key) != due:
                heapq.heappop(self._heap)
            elif due <= now:
                heapq.heappop(self._heap)
                self._look_again(key)
            else:
                return due - now
        return None

    def _look_again(self, key: K) -> None:
        del self._due[key]
        if key in self._processing:
            self._again.add(key)
        elif key not in self._ready:
            self._looked_at_again[key] = None
