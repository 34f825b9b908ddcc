"""kopf's part: it watches, and tells the queue which ChurnModel to look at. Nothing is decided here.

Only `on.event` is used. kopf's other handlers go by edges and keep their progress in annotations, which
would show up in every `kubectl get` and Argo CD diff.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import Any

import kopf
import structlog

from churn_operator.api.v1alpha1 import GROUP, PLURAL, VERSION
from churn_operator.core.observation import ObjectKey
from churn_operator.reconcile.task_scope import TaskScope, remember_scopes
from churn_operator.wiring import Operator

_log = structlog.get_logger()

EVENTS_GRACE = 3.0
"""Seconds that passes have to end, and then events which wait to be told, when the operator stops."""
WATCHES_GRACE = 5.0
"""Seconds that kopf's tasks have to end, when the operator stops or its watches are begun again."""
MODEL_LABEL = f"{GROUP}/model"
_SERVING_RESOURCES = (
    ("serving.kserve.io", "v1beta1", "inferenceservices"),
    ("gateway.networking.k8s.io", "v1", "httproutes"),
)


def register(registry: kopf.OperatorRegistry, operator: Operator) -> None:
    """Connect the watches to the operator's queue."""

    @kopf.on.login(registry=registry)
    def login(**arguments: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_via_client(**arguments)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def model_seen(event: kopf.RawEvent, **_: Any) -> None:
        raw: dict[str, Any] = dict(event["object"])
        key = ObjectKey(raw["metadata"]["namespace"], raw["metadata"]["name"])
        if event["type"] == "DELETED":
            operator.gone(key, raw["metadata"]["uid"])
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
    # kopf ends several times in the life of a process. Each time it would have the process killed ten minutes later.
    settings.process.ultimate_exiting_timeout = None
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
    """Work, and watch all namespaces or those that are named, until `stop` is set; SIGTERM and SIGINT set it."""
    loop = asyncio.get_running_loop()
    remember_scopes(loop)
    _stop_on_signals(loop, stop)
    operator.health.workers = asyncio.create_task(operator.work(), name="workers")
    stocktaking = asyncio.create_task(operator.take_stock(), name="stocktaking")
    try:
        await operator.health.watches.keep(partial(_watch, operator, stop, namespaces), stop)
    finally:
        await _cancelled([stocktaking])
        await _end(operator)


async def _watch(operator: Operator, stop: asyncio.Event, namespaces: tuple[str, ...]) -> None:
    """One life of kopf. Raises what ended it, if that was not `stop`.

    Not kopf.operator: at its end it cancels every task of the event loop, ours too.
    """
    registry, scope = kopf.OperatorRegistry(), TaskScope()
    register(registry, operator)
    roots: Collection[asyncio.Task[Any]] = ()
    try:
        with scope.entered():
            roots = await kopf.spawn_tasks(
                registry=registry,
                settings=operator_settings(namespaces),
                stop_flag=stop,
                standalone=True,
                clusterwide=not namespaces,
                namespaces=namespaces,
            )
        # kopf has put handlers of its own in their place, which end this life of it only.
        _stop_on_signals(asyncio.get_running_loop(), stop)
        ended, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancelled(roots)
        await _end_all(scope)
    for task in ended:
        if not task.cancelled():
            task.result()


async def _end_all(scope: TaskScope) -> None:
    """End what kopf left behind: where one watch fails, the others go on. One after the other, the eldest first, for
    a watch ends its own tasks, and lives on where these are taken from it."""
    while running := scope.running:
        if not await _cancelled(running[:1]):
            _log.warning("a task of kopf does not end", task=running[0].get_name(), left=len(running))
            return


async def _cancelled(tasks: Collection[asyncio.Task[Any]]) -> bool:
    """Cancel them, and answer whether they ended in time."""
    if not tasks:
        return True
    for task in tasks:
        task.cancel()
    done, left = await asyncio.wait(tasks, timeout=WATCHES_GRACE)
    for task in done:
        # Seen, so that asyncio does not report it as unseen; kopf has logged it.
        _ = task.cancelled() or task.exception()
    return not left


async def _end(operator: Operator) -> None:
    workers = operator.health.workers
    if workers is not None:
        workers.cancel()
        await asyncio.wait((workers,), timeout=EVENTS_GRACE)
    with suppress(TimeoutError):
        async with asyncio.timeout(EVENTS_GRACE):
            await operator.told()
    await operator.close()


def _stop_on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
