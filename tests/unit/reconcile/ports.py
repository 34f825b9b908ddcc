"""In-memory ports for the loop's tests: they record what was asked and fail where they are told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from churn_operator.core.actions import Event, PackageReference, SubmitRun
from churn_operator.core.analysis import Measurement, Traffic
from churn_operator.core.hooks import HookAnswer, HookCall
from churn_operator.core.live_traffic import TrafficQuestion
from churn_operator.core.notifications import Notification
from churn_operator.core.observation import (
    Installation,
    ObjectKey,
    ObjectLocation,
    Package,
    PipelinesTarget,
    Run,
    RunState,
)
from churn_operator.core.traffic import ServingStep, TrafficObservation
from churn_operator.errors import AdapterError, Conflict
from churn_operator.reconcile.act import Actor
from churn_operator.reconcile.herald import Herald
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.observe import Observer
from churn_operator.reconcile.reconciler import Reconciler
from churn_operator.reconcile.recorder import EventRecorder
from churn_operator.reconcile.store import ObjectStore
from churn_operator.reconcile.subject import FINALIZER
from churn_report import Report
from prometheus_client import CollectorRegistry

KEY = ObjectKey("team", "churn")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
INSTALLATION = Installation(
    artifact_root="s3://mlops/churn",
    code_version="test",
    trainer_image="trainer:test",
    runtime="churn-serving",
    s3_endpoint="http://127.0.0.1:1",
    pipelines=PipelinesTarget("http://127.0.0.1:2", "kubeflow", ""),
    pipelines_secret="artifacts",
    traffic_driver="knative",
)


@dataclass
class World:
    """Everything outside the loop. `fails` holds the error that a call of this name raises; `measured` the values of
    users' queries by check; `confirming` the names of the hooks that confirm."""

    raw: dict[str, Any]
    digest: str | None = "d1"
    packages: dict[str, Package] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    submitted: list[bytes | None] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fails: dict[str, AdapterError] = field(default_factory=dict)
    live: Traffic = ()
    measured: dict[str, float] = field(default_factory=dict)
    confirming: set[str] = field(default_factory=set)
    told: list[HookCall] = field(default_factory=list)
    published: list[Notification] = field(default_factory=list)

    def call(self, name: str) -> None:
        """Record a call, and raise its error if there is one."""
        self.calls.append(name)
        if name in self.fails:
            raise self.fails[name]

    def _stored(self) -> Mapping[str, Any]:
        version = int(self.raw["metadata"]["resourceVersion"]) + 1
        self.raw = {**self.raw, "metadata": {**self.raw["metadata"], "resourceVersion": str(version)}}
        return self.raw

    async def read(self, key: ObjectKey) -> Mapping[str, Any] | None:
        self.call("read")
        return self.raw

    async def set_finalizer(self, key: ObjectKey, present: bool) -> Mapping[str, Any] | None:
        self.call("set_finalizer")
        self.raw["metadata"]["finalizers"] = [FINALIZER] if present else []
        return self._stored()

    async def write_status(self, key: ObjectKey, status: Mapping[str, Any], resource_version: str) -> Mapping[str, Any]:
        self.call("write_status")
        if resource_version != self.raw["metadata"]["resourceVersion"]:
            raise Conflict("Kubernetes", "the object has been modified")
        self.raw = {**self.raw, "status": dict(status)}
        return self._stored()

    async def post_event(self, key: ObjectKey, uid: str, event: Event) -> None:
        self.call("post_event")
        self.events.append(event)

    async def find_run(self, target: PipelinesTarget, run_name: str) -> Run | None:
        self.call("find_run")
        return self.runs.get(run_name)

    async def submit(self, request: SubmitRun, package: bytes | None = None) -> Run:
        self.call("submit")
        self.submitted.append(package)
        return self.runs.setdefault(request.run_name, Run("id-1", request.run_name, RunState.RUNNING, NOW))

    async def terminate(self, target: PipelinesTarget, run_id: str) -> None:
        self.call("terminate")

    async def list_runs(self, target: PipelinesTarget, model_name: str) -> tuple[Run, ...]:
        self.call("list_runs")
        return tuple(self.runs.values())

    async def delete_run(self, target: PipelinesTarget, run_id: str) -> None:
        self.call("delete_run")
        self.runs.clear()

    async def dataset_digest(self, location: ObjectLocation, max_age: timedelta) -> str | None:
        self.call("dataset_digest")
        return self.digest

    async def package(self, location: ObjectLocation, max_age: timedelta) -> Package | None:
        self.call("package")
        return self.packages.get(location.uri)

    async def package_content(self, reference: PackageReference) -> bytes:
        self.call("package_content")
        return reference.digest.encode()

    async def report(self, output_uri: str) -> Report | None:
        self.call("report")
        return None

    async def exists(self, uri: str) -> bool:
        self.call("exists")
        return False

    async def observe(self, key: ObjectKey, driver: str) -> TrafficObservation | None:
        self.call("observe")
        return None

    async def apply(self, key: ObjectKey, uid: str, driver: str, step: ServingStep) -> None:
        self.call("apply")

    async def delete(self, *_: object) -> None:
        self.call("delete")

    async def traffic(self, question: TrafficQuestion) -> Traffic:
        self.call("traffic")
        return self.live

    async def measure(self, question: TrafficQuestion, name: str, template: str) -> Measurement:
        self.call(f"measure {name}")
        return Measurement(name, self.measured.get(name))

    async def ask(self, call: HookCall, max_age: timedelta = timedelta(0)) -> HookAnswer:
        self.call(f"ask {call.hook.name}")
        confirmed = call.hook.name in self.confirming
        return HookAnswer(confirmed, "" if confirmed else "status 403")

    def tell(self, call: HookCall) -> None:
        self.told.append(call)

    def publish(self, notification: Notification) -> None:
        self.published.append(notification)


def churn_model(**spec: Any) -> dict[str, Any]:
    """A raw ChurnModel as the API server gives it."""
    return {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {
            "namespace": KEY.namespace,
            "name": KEY.name,
            "uid": "u1",
            "generation": 1,
            "resourceVersion": "1",
        },
        "spec": {"dataset": {"uri": "s3://data/customers.csv"}, **spec},
    }


def loop_over(world: World, deadline: timedelta = timedelta(seconds=5)) -> Reconciler:
    """A reconciler over this world, with the object already seen."""
    metrics = LoopMetrics(CollectorRegistry())
    store = ObjectStore()
    store.put(KEY, world.raw)
    observer = observer_of(world, metrics, deadline)
    actor, recorder = Actor(world, world, world, world, metrics), EventRecorder(world, metrics)
    return Reconciler(store, observer, actor, world, Herald(recorder, world, world), metrics)


def observer_of(world: World, metrics: LoopMetrics, deadline: timedelta = timedelta(seconds=5)) -> Observer:
    """An observer of this world."""
    return Observer(
        pipelines=world,
        artifacts=world,
        serving=world,
        traffic=world,
        hooks=world,
        installation=INSTALLATION,
        clock=lambda: NOW,
        deadline=deadline,
        metrics=metrics,
    )
