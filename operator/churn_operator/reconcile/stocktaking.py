"""Whether all that is known is still there. A watch that is begun again lists what there is, so the end of an object
that went meanwhile is never told: a ChurnModel would be counted, and an InferenceService held to serve, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from churn_operator.core.observation import ObjectKey
from churn_operator.errors import AdapterError
from churn_operator.ports import Cluster, Inventory, ServingKnowledge
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.queue import WorkQueue
from churn_operator.reconcile.store import ObjectStore

_log = structlog.get_logger()

LISTED = 30.0
"""Seconds that watches which were begun again have for their listing."""


@dataclass(frozen=True)
class Stocktaking:
    """Compares what is known with what is there. `gone` forgets all of the ChurnModel with this uid, and `begun_again`
    is set when the watches were."""

    store: ObjectStore
    queue: WorkQueue[ObjectKey]
    serving: ServingKnowledge
    inventory: Inventory
    cluster: Cluster
    metrics: LoopMetrics
    gone: Callable[[ObjectKey, str], None]
    begun_again: asyncio.Event
    interval: timedelta

    async def run(self) -> None:
        """Take stock every `interval`, and soon after the watches were begun again, until cancelled."""
        while True:
            await self._wait()
            try:
                await self.take()
            except AdapterError as error:
                self.metrics.failed(error)
                _log.warning("stock could not be taken", source=error.source, error=error.message)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.interval.total_seconds()):
                await self.begun_again.wait()
                self.begun_again.clear()
                await asyncio.sleep(LISTED)

    async def take(self) -> None:
        """Forget what is not there. What came since the beginning is not looked at. Raises AdapterError."""
        models, served = set(self.store), self.serving.names()
        if models:
            for key in models - await self.inventory.churn_models():
                await self._forget_if_gone(key)
        if served:
            absent = served.keys() - await self.inventory.serving()
            for key in {served[each] for each in absent}:
                _log.info("what serves a ChurnModel went unseen", namespace=key.namespace, name=key.name)
                self.serving.forget(key)
                self.queue.add(key)

    async def _forget_if_gone(self, key: ObjectKey) -> None:
        """It is looked at by itself before all is forgotten of it: nobody would tell of it again."""
        known = self.store.get(key)
        if known is not None and await self.cluster.read(key) is None:
            _log.info("a ChurnModel went unseen", namespace=key.namespace, name=key.name)
            self.gone(key, known["metadata"]["uid"])
