"""The Cluster port: the ChurnModel itself, and Events about it."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from churn_operator.adapters.api_session import MERGE_PATCH, ApiSession
from churn_operator.api.v1alpha1.common import GROUP, KIND, PLURAL, VERSION
from churn_operator.core.actions import Event
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import Conflict, NotFound

FINALIZER = f"{GROUP}/cleanup"
COMPONENT = "churnmodel-operator"

_API_VERSION = f"{GROUP}/{VERSION}"
_FINALIZER_ATTEMPTS = 3
_LONGEST_MESSAGE = 1024
_REMEMBERED_EVENTS = 10_000
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KubernetesCluster:
    """Reads and writes ChurnModels; every write is guarded by resourceVersion."""

    def __init__(self, session: ApiSession, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._session = session
        self._clock = clock
        self._names: OrderedDict[tuple[str, Event], str] = OrderedDict()
        self._last_posted = datetime.min.replace(tzinfo=UTC)

    async def read(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """See ports.Cluster."""
        try:
            return await self._session.request("GET", _path(key))
        except NotFound:
            return None

    async def set_finalizer(self, key: ObjectKey, present: bool) -> Mapping[str, Any] | None:
        """See ports.Cluster. Others' finalizers stay; Conflict if the object keeps changing meanwhile."""
        for _ in range(_FINALIZER_ATTEMPTS):
            found = await self.read(key)
            if found is None:
                return None
            finalizers = found["metadata"].get("finalizers", [])
            if (FINALIZER in finalizers) == present:
                return found
            wanted = [*finalizers, FINALIZER] if present else [name for name in finalizers if name != FINALIZER]
            try:
                return await self._write_finalizers(key, wanted, found["metadata"]["resourceVersion"])
            except NotFound:
                return None
            except Conflict as error:
                conflict = error
        raise conflict

    async def write_status(self, key: ObjectKey, status: Mapping[str, Any], resource_version: str) -> Mapping[str, Any]:
        """See ports.Cluster. NotFound where the object is gone."""
        body = {
            "apiVersion": _API_VERSION,
            "kind": KIND,
            "metadata": {"namespace": key.namespace, "name": key.name, "resourceVersion": resource_version},
            "status": status,
        }
        return await self._session.request("PUT", f"{_path(key)}/status", body)

    async def post_event(self, key: ObjectKey, uid: str, event: Event) -> None:
        """See ports.Cluster. The same reason and message again raise the count of the Event that is there, if this
        process posted it: what was posted before a restart is told anew."""
        events = f"/api/v1/namespaces/{key.namespace}/events"
        name = self._names.get((uid, event))
        if name is not None and await self._count_again(f"{events}/{name}"):
            return
        # A moment of its own for each: names tell their order, where timestamps have seconds only.
        self._last_posted = max(self._clock(), self._last_posted + _MICROSECOND)
        posted = event_manifest(key, uid, event, self._last_posted)
        await self._session.request("POST", events, posted)
        self._names[uid, event] = posted["metadata"]["name"]
        if len(self._names) > _REMEMBERED_EVENTS:
            self._names.popitem(last=False)

    async def _count_again(self, path: str) -> bool:
        """Whether the Event is still there."""
        try:
            counted = await self._session.request("GET", path)
            again = {"count": int(counted.get("count") or 1) + 1, "lastTimestamp": _timestamp(self._clock())}
            await self._session.request("PATCH", path, again, MERGE_PATCH)
        except NotFound:
            return False
        return True

    async def _write_finalizers(self, key: ObjectKey, finalizers: list[str], resource_version: str) -> dict[str, Any]:
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": resource_version}}
        return await self._session.request("PATCH", _path(key), patch, MERGE_PATCH)


def event_manifest(key: ObjectKey, uid: str, event: Event, now: datetime) -> dict[str, Any]:
    """The core/v1 Event; names ascend with `now`, to the microsecond. kubectl sorts by lastTimestamp, and leaves those
    of one second in the order of their names, in which the API server lists them."""
    message = event.message[:_LONGEST_MESSAGE]
    name = f"{key.name[:200]}.{(now - _EPOCH) // _MICROSECOND:016x}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": key.namespace, "name": name},
        "involvedObject": {
            "apiVersion": _API_VERSION,
            "kind": KIND,
            "namespace": key.namespace,
            "name": key.name,
            "uid": uid,
        },
        "type": event.type.value,
        "reason": event.reason,
        "message": message,
        "count": 1,
        "firstTimestamp": _timestamp(now),
        "lastTimestamp": _timestamp(now),
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": os.environ.get("HOSTNAME", COMPONENT),
    }


def _path(key: ObjectKey) -> str:
    return f"/apis/{_API_VERSION}/namespaces/{key.namespace}/{PLURAL}/{key.name}"


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
