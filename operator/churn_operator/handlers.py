"""kopf's part: it watches, and tells the queue which ChurnModel to look at. Nothing is decided here.

Only `on.event` is used. kopf's other handlers go by edges and keep their progress in annotations, which
would show up in every `kubectl get` and Argo CD diff.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import kopf

from churn_operator.api.v1alpha1 import GROUP, PLURAL, VERSION
from churn_operator.core.observation import ObjectKey
from churn_operator.wiring import Operator

EVENTS_GRACE = 3.0
"""Seconds that passes have to end, and then events which wait to be told, when the operator stops."""
MODEL_LABEL = f"{GROUP}/model"
_SERVING_RESOURCES = (
    ("serving.kserve.io", "v1beta1", "inferenceservices"),
    ("gateway.networking.k8s.io", "v1", "httproutes"),
)


def register(registry: kopf.OperatorRegistry, operator: Operator) -> None:
    """Connect the watches to the operator's queue."""

    @kopf.on.startup(registry=registry)
    async def start(**_: Any) -> None:
        operator.health.workers = asyncio.create_task(operator.work(), name="workers")
        operator.health.watching = True

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        operator.health.watching = False
        if operator.health.workers is not None:
            operator.health.workers.cancel()
            await asyncio.wait((operator.health.workers,), timeout=EVENTS_GRACE)
        with suppress(TimeoutError):
            async with asyncio.timeout(EVENTS_GRACE):
                await operator.told()
        await operator.close()

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_via_client(**arguments)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def model_seen(event: kopf.RawEvent, **_: Any) -> None:
        raw: dict[str, Any] = dict(event["object"])
        key = ObjectKey(raw["metadata"]["namespace"], raw["metadata"]["name"])
        if event["type"] == "DELETED":
            operator.gone(key)
        elif operator.store.put(key, raw):
            operator.queue.add(key)

    for group, version, plural in _SERVING_RESOURCES:
        kopf.on.event(group, version, plural, labels={MODEL_LABEL: kopf.PRESENT}, registry=registry)(
            _serving_seen(operator)
        )


def _serving_seen(operator: Operator) -> Any:
    async def serving_seen(event: kopf.RawEvent, **_: Any) -> None:
        raw: dict[str, Any] = dict(event["object"])
        operator.serving.seen(raw, event["type"] == "DELETED")
        metadata = raw["metadata"]
        operator.queue.add(ObjectKey(metadata["namespace"], metadata["labels"][MODEL_LABEL]))

    return serving_seen


def operator_settings(namespaces: tuple[str, ...]) -> kopf.OperatorSettings:
    """Time-outs for watches and requests, no writes by kopf itself, and no more objects in memory at once than
    a page of a listing: ten thousand as dictionaries are half a gigabyte.

    Named namespaces are watched as they are named, whether they exist or not. kopf's own search for them lists
    twice and passes over what is created in between: such a namespace was never watched.
    """
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = bool(namespaces)
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.persistence.diffbase_storage = NothingToCompare()
    settings.queueing.idle_timeout = 0.2
    settings.watching.chunk_size = 200
    settings.watching.server_timeout = 240
    settings.watching.client_timeout = 270
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    return settings


class NothingToCompare(kopf.DiffBaseStorage):
    """kopf would copy each object it sees, to compare it with an annotation that only its edge-based handlers
    write. There are none: nothing is copied, compared or stored."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing."""


async def run(operator: Operator, stop: asyncio.Event, namespaces: tuple[str, ...]) -> None:
    """Watch until `stop` is set; all namespaces if none are named."""
    registry = kopf.OperatorRegistry()
    register(registry, operator)
    await kopf.operator(
        registry=registry,
        settings=operator_settings(namespaces),
        stop_flag=stop,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
    )
