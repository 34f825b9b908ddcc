"""Which servers no request has reached for a while, by Envoy's own counters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from churn_devcluster.dataplane.envoy import Envoy


@dataclass(frozen=True)
class _Seen:
    total: int
    since: float


class Idleness:
    """Remembers for each cluster when its count of requests last moved."""

    def __init__(self, envoy: Envoy, idle_after: float) -> None:
        """`idle_after` in seconds."""
        self._envoy = envoy
        self._idle_after = idle_after
        self._seen: dict[str, _Seen] = {}

    async def idle(self, clusters: Iterable[str], now: float) -> frozenset[str]:
        """Those of `clusters` without a request for long enough, and with none in flight.

        A cluster that is not among them is forgotten: its clock begins anew when it comes back.
        """
        seen = {name: await self._look(name, now) for name in clusters}
        self._seen = seen
        return frozenset(name for name, last in seen.items() if now - last.since >= self._idle_after)

    async def _look(self, cluster: str, now: float) -> _Seen:
        total = await self._envoy.total_requests(cluster)
        before = self._seen.get(cluster)
        if before is None or before.total != total or await self._envoy.active_requests(cluster) > 0:
            return _Seen(total, now)
        return before
