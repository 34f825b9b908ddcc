"""The one place that knows which adapter stands behind which port."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from churn_operator.adapters.api_session import ApiSession
from churn_operator.adapters.artifacts import MinioArtifacts
from churn_operator.adapters.cloudevents import CloudEventsNotifier
from churn_operator.adapters.cluster import KubernetesCluster
from churn_operator.adapters.inventory import KubernetesInventory
from churn_operator.adapters.kfp import KfpPipelines
from churn_operator.adapters.kfp_errors import SOURCE as KFP
from churn_operator.adapters.kfp_package import pipeline_code_version
from churn_operator.adapters.kserve.serving import SOURCE as KSERVE
from churn_operator.adapters.kserve.serving import KServeServing
from churn_operator.adapters.kubernetes_api import SOURCE as KUBERNETES
from churn_operator.adapters.kubernetes_api import KubernetesApi, load_client
from churn_operator.adapters.lease import KubernetesLease
from churn_operator.adapters.prometheus import SOURCE as PROMETHEUS
from churn_operator.adapters.prometheus import PrometheusMetrics
from churn_operator.adapters.s3 import SOURCE as S3
from churn_operator.adapters.webhooks import Webhooks
from churn_operator.core.observation import Installation, ObjectKey, PipelinesTarget
from churn_operator.errors import AdapterError
from churn_operator.reconcile.act import Actor
from churn_operator.reconcile.health import Health
from churn_operator.reconcile.herald import Herald
from churn_operator.reconcile.leadership import Leadership, LeadershipMetrics
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.observe import Observer
from churn_operator.reconcile.queue import WorkQueue
from churn_operator.reconcile.reconciler import Reconciler
from churn_operator.reconcile.recorder import EventRecorder
from churn_operator.reconcile.stocktaking import Stocktaking
from churn_operator.reconcile.store import ObjectStore
from churn_operator.reconcile.watches import Watches
from churn_operator.reconcile.workers import Workers
from churn_operator.settings import Settings

_log = structlog.get_logger()

RETRY_DETECTION = 5.0
"""Seconds between two tries to find out which traffic driver the cluster has."""

HOOK_PATIENCE = 1.0
"""Seconds that a pass, and with it a worker, waits for a webhook; what is answered later is for the next pass."""


HAND_OVER = 8.0
"""Seconds that an operator which stops waits for its threads, before it leaves the Lease to expire by itself."""


@dataclass(frozen=True)
class Operator:
    """Everything the handlers and the probes need."""

    store: ObjectStore
    queue: WorkQueue[ObjectKey]
    work: Callable[[], Coroutine[Any, Any, None]]
    serving: KServeServing
    metrics: LoopMetrics
    registry: CollectorRegistry
    health: Health
    recorder: EventRecorder
    notifier: CloudEventsNotifier
    webhooks: Webhooks
    stocktaking: Callable[[Callable[[ObjectKey, str], None]], Stocktaking]
    connections: AsyncExitStack

    def gone(self, key: ObjectKey, uid: str) -> None:
        """The ChurnModel with this uid is gone: forget it, unless another has its name by now."""
        if key in self.store and not self.store.remove(key, uid):
            return
        self.queue.forget(key)
        self.metrics.forget(key)
        self.serving.forget(key)

    async def take_stock(self) -> None:
        """Find out again and again what went unseen, until cancelled."""
        await self.stocktaking(self.gone).run()

    async def told(self) -> None:
        """Return once all that waits to be told is told, or given up."""
        await asyncio.gather(self.recorder.drained(), self.notifier.drained(), self.webhooks.drained())

    async def close(self) -> None:
        """Let go of connections and threads; after the workers have stopped."""
        await self.connections.aclose()


async def build(settings: Settings) -> Operator:
    """Connect the adapters to the loop. Waits for the API server, if it has to ask it for the traffic driver.

    Raises OSError or ValueError where the settings cannot work.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    client = load_client()
    api = KubernetesApi(client)
    session = ApiSession(client.configuration)
    serving = KServeServing(settings, api)
    pipelines, artifacts, cluster = KfpPipelines(settings), MinioArtifacts(settings, api), KubernetesCluster(session)
    connections = AsyncExitStack()
    traffic, webhooks = PrometheusMetrics(), Webhooks(api, patience=HOOK_PATIENCE)
    notifier = CloudEventsNotifier(settings)
    connections.push_async_callback(session.close)
    leadership = _leadership(settings, session, registry)
    if leadership is not None:
        connections.push_async_callback(_hand_over, leadership, api, artifacts, pipelines)
    for connected in (traffic, webhooks, notifier):
        connections.push_async_callback(connected.close)
    for threaded in (api, artifacts, pipelines):
        connections.callback(threaded.close)
    metrics = LoopMetrics(registry)
    metrics.expect_faults_of(KFP, S3, PROMETHEUS, KUBERNETES, KSERVE)
    store: ObjectStore = ObjectStore()
    observer = Observer(
        pipelines=pipelines,
        artifacts=artifacts,
        serving=serving,
        traffic=traffic,
        hooks=webhooks,
        installation=installation(settings, await _driver(serving)),
        clock=lambda: datetime.now(UTC),
        deadline=timedelta(seconds=settings.observe_deadline_seconds),
        metrics=metrics,
    )
    actor = Actor(pipelines, artifacts, serving, cluster, metrics)
    queue: WorkQueue[ObjectKey] = WorkQueue()
    metrics.watch_queue(lambda: queue.depth)
    recorder = EventRecorder(cluster, metrics)
    herald = Herald(recorder, notifier, webhooks)
    may_act = (lambda: True) if leadership is None else (lambda: leadership.valid)
    reconciler = Reconciler(store, observer, actor, cluster, herald, metrics, may_act)
    workers = Workers(queue, reconciler, settings.workers, timedelta(seconds=settings.resync_seconds))
    watches = Watches(metrics)
    inventory = KubernetesInventory(session, settings.watched)

    def stocktaking(gone: Callable[[ObjectKey, str], None]) -> Stocktaking:
        interval = timedelta(seconds=settings.resync_seconds)
        return Stocktaking(store, queue, serving, inventory, cluster, metrics, gone, watches.begun_again, interval)

    return Operator(
        store=store,
        queue=queue,
        work=workers.run if leadership is None else partial(leadership.lead, workers.run),
        serving=serving,
        metrics=metrics,
        registry=registry,
        health=Health(watches),
        recorder=recorder,
        notifier=notifier,
        webhooks=webhooks,
        stocktaking=stocktaking,
        connections=connections,
    )


def _leadership(settings: Settings, session: ApiSession, registry: CollectorRegistry) -> Leadership | None:
    """None for an operator that runs alone, which leads always."""
    metrics = LeadershipMetrics(registry)
    if not settings.leader_election:
        metrics.leading.set(1)
        return None
    return Leadership(
        lease=KubernetesLease(session, settings.lease_namespace, settings.lease_name),
        # A pod that starts again is another holder: what its threads were at may not have ended.
        identity=f"{os.environ.get('HOSTNAME', 'churn-operator')}_{uuid.uuid4()}",
        times=settings.lease_times,
        clock=lambda: datetime.now(UTC),
        metrics=metrics,
        # Not sys.exit: it would wait for threads, which may still be at what only the holder of the Lease may do.
        abandon=partial(os._exit, 1),
    )


async def _hand_over(leadership: Leadership, *threaded: KubernetesApi | MinioArtifacts | KfpPipelines) -> None:
    try:
        async with asyncio.timeout(HAND_OVER):
            for each in threaded:
                await each.ended()
    except TimeoutError:
        _log.warning("a thread is still at work, so the lease is not handed over but left to expire")
    else:
        await leadership.release()


def installation(settings: Settings, driver: str) -> Installation:
    """The constants of every decision."""
    return Installation(
        artifact_root=settings.artifact_root,
        code_version=pipeline_code_version(),
        trainer_image=settings.trainer_image,
        runtime=settings.runtime,
        s3_endpoint=settings.s3_endpoint,
        pipelines=PipelinesTarget(
            endpoint=settings.pipelines_endpoint,
            namespace=settings.pipelines_namespace,
            experiment="",
            token_path=settings.pipelines_token_path or None,
        ),
        pipelines_secret=settings.pipelines_secret,
        traffic_driver=driver,
        cleanup_deadline=settings.cleanup_deadline,
        poll_interval=timedelta(seconds=settings.pipelines_poll_seconds),
    )


async def _driver(serving: KServeServing) -> str:
    while True:
        try:
            driver = await serving.detect_driver()
        except AdapterError as error:
            _log.warning("the traffic driver is not known yet", source=error.source, error=error.message)
            await asyncio.sleep(RETRY_DETECTION)
        else:
            _log.info("traffic driver", driver=driver)
            return driver
