"""Events on their way to the API server, behind the passes that made them.

A pass does not wait for its events: while many objects change at once, the next object's status matters more
than this one's story. Kubernetes' own recorder works the same way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

import structlog

from churn_operator.core.actions import Event, EventType
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import AdapterError
from churn_operator.ports import Cluster
from churn_operator.reconcile.metrics import LoopMetrics

_log = structlog.get_logger()

_LANES = 2
"""Events posted at once. Those of one ChurnModel share a lane, and so keep their order."""


@dataclass
class EventRecorder:
    """Posts Events in the background, each once; one that cannot be posted is only logged.

    At most `limit` wait in a lane. Beyond it the oldest are dropped: they would tell of a time long past.
    """

    cluster: Cluster
    metrics: LoopMetrics
    limit: int = 10_000
    _waiting: tuple[deque[tuple[ObjectKey, str, Event]], ...] = field(
        default_factory=lambda: tuple(deque() for _ in range(_LANES))
    )
    _posting: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    def record(self, key: ObjectKey, uid: str, event: Event) -> None:
        """Have an Event posted about the ChurnModel."""
        log = _log.warning if event.type is EventType.WARNING else _log.info
        log("event", reason=event.reason, message=event.message)
        lane = hash(key) % _LANES
        waiting = self._waiting[lane]
        if len(waiting) >= self.limit:
            waiting.popleft()
            self.metrics.dropped_events.inc()
        waiting.append((key, uid, event))
        if lane not in self._posting:
            self._posting[lane] = asyncio.create_task(self._post(lane), name=f"events-{lane}")

    async def drained(self) -> None:
        """Return once nothing waits any more."""
        while self._posting:
            await asyncio.gather(*self._posting.values())

    async def _post(self, lane: int) -> None:
        waiting = self._waiting[lane]
        try:
            while waiting:
                key, uid, event = waiting.popleft()
                try:
                    await self.cluster.post_event(key, uid, event)
                except AdapterError as error:
                    self.metrics.failed(error)
                    _log.warning(
                        "event was not posted",
                        namespace=key.namespace,
                        name=key.name,
                        reason=event.reason,
                        error=error.message,
                    )
        finally:
            del self._posting[lane]
