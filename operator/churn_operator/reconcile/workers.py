"""A fixed number of workers that run passes, and see to it that nothing is forgotten or runs hot."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from churn_operator.core.observation import ObjectKey
from churn_operator.errors import AdapterError, Transient
from churn_operator.reconcile.queue import WorkQueue
from churn_operator.reconcile.reconciler import Reconciler

_log = structlog.get_logger()

MOST_SPREAD = timedelta(seconds=1)
BACK_OFF_MOST = timedelta(minutes=2)
HOT_PASSES = 20
"""Passes of one key in a row without a pause after which it gets one."""


@dataclass
class Workers:
    """Runs until cancelled."""

    queue: WorkQueue[ObjectKey]
    reconciler: Reconciler
    count: int
    resync: timedelta
    _failures: dict[ObjectKey, int] = field(default_factory=lambda: defaultdict(int))
    _hot: dict[ObjectKey, int] = field(default_factory=lambda: defaultdict(int))

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.count):
                group.create_task(self._work(), name=f"worker-{number}")

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                after = await self._pass(key)
            finally:
                self.queue.done(key)
            if after is not None:
                self.queue.add_after(key, after)

    async def _pass(self, key: ObjectKey) -> timedelta | None:
        metrics = self.reconciler.metrics
        with structlog.contextvars.bound_contextvars(namespace=key.namespace, name=key.name):
            with metrics.duration.time():
                try:
                    after = await self.reconciler.reconcile_once(key)
                except AdapterError as error:
                    metrics.failed(error)
                    metrics.passes.labels("failed").inc()
                    _log.warning("pass failed", source=error.source, error=error.message)
                    return self._back_off(key, error)
                except Exception:
                    metrics.passes.labels("crashed").inc()
                    _log.exception("pass crashed")
                    return self._back_off(key, None)
            metrics.passes.labels("done").inc()
            self._failures.pop(key, None)
            return self._pace(key, after)

    def _back_off(self, key: ObjectKey, error: AdapterError | None) -> timedelta:
        self._failures[key] += 1
        pause = min(timedelta(seconds=2 ** min(self._failures[key] - 1, 10)), BACK_OFF_MOST)
        wished = error.retry_after if isinstance(error, Transient) else None
        return max(pause, wished or timedelta(0)) * random.uniform(0.8, 1.2)

    def _pace(self, key: ObjectKey, after: timedelta | None) -> timedelta | None:
        """When to look again: what the decision says, an object at rest after the resync time (spread as wide
        as it is long, so that after a start ten thousand come as evenly as ever), and never hot for ever."""
        if key not in self.reconciler.store:
            self._hot.pop(key, None)
            return None
        if after is None:
            self._hot.pop(key, None)
            return self.resync * random.uniform(0.5, 1.5)
        if after > timedelta(0):
            self._hot.pop(key, None)
            return min(after + _spread(after), self.resync)
        self._hot[key] += 1
        return timedelta(seconds=1) if self._hot[key] > HOT_PASSES else after


def _spread(after: timedelta) -> timedelta:
    """A little later, so that objects which wait for the same thing do not all come back at the same moment."""
    return min(after / 10, MOST_SPREAD) * random.random()
