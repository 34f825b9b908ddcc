"""The outside world as the loop sees it. Every method may raise churn_operator.errors.AdapterError."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from churn_report import Report

from churn_operator.core.actions import Event, PackageReference, SubmitRun
from churn_operator.core.analysis.samples import Measurement, Traffic
from churn_operator.core.hooks import HookAnswer, HookCall
from churn_operator.core.lease import LeaseRecord
from churn_operator.core.live_traffic import TrafficQuestion
from churn_operator.core.notifications import Notification
from churn_operator.core.observation import ObjectKey, ObjectLocation, Package, PipelinesTarget, Run
from churn_operator.core.traffic import ServingStep, TrafficObservation


class Pipelines(Protocol):
    """Kubeflow Pipelines."""

    async def find_run(self, target: PipelinesTarget, run_name: str) -> Run | None:
        """The oldest run of this display name, or None. Answered from one bulk listing an installation
        and interval; a name the listing does not have is looked up by itself."""

    async def submit(self, request: SubmitRun, package: bytes | None = None) -> Run:
        """Look the name up past every cache, adopt the oldest run that has it, else create one of the user's own
        package, or of the built-in pipeline where that is None."""

    async def terminate(self, target: PipelinesTarget, run_id: str) -> None:
        """Stop a run; one that has ended or is gone is no error."""

    async def list_runs(self, target: PipelinesTarget, model_name: str) -> tuple[Run, ...]:
        """All runs named `<model name>-<ten hex digits>-<attempt>`."""

    async def delete_run(self, target: PipelinesTarget, run_id: str) -> None:
        """Remove a run; one that is gone is no error."""


class Artifacts(Protocol):
    """The object store."""

    async def dataset_digest(self, location: ObjectLocation, max_age: timedelta) -> str | None:
        """Digest of the dataset's objects, not older than `max_age`; None where there is no object."""

    async def package(self, location: ObjectLocation, max_age: timedelta) -> Package | None:
        """What the package of a user's own pipeline is, as it was at most `max_age` ago; None where there is no
        object. It is downloaded only where its etag is another than last time."""

    async def package_content(self, reference: PackageReference) -> bytes:
        """The content of this digest. Raises Changed where the object has another, is gone, or may not be read."""

    async def report(self, output_uri: str) -> Report | None:
        """The report below an output URI; None where there is none. Raises Rejected if it cannot be read."""

    async def exists(self, uri: str) -> bool:
        """Whether anything is stored below a URI that ends in a slash."""

    async def delete(self, uri: str) -> None:
        """Remove everything below a URI that ends in a slash."""


class Serving(Protocol):
    """KServe, behind a traffic driver (`knative`, `gateway` or `canary`)."""

    async def observe(self, key: ObjectKey, driver: str) -> TrafficObservation | None:
        """What serves this ChurnModel; None where nothing does."""

    async def apply(self, key: ObjectKey, uid: str, driver: str, step: ServingStep) -> None:
        """Take one step by server-side apply; `uid` is the owner's."""

    async def delete(self, key: ObjectKey, driver: str) -> None:
        """Remove everything that serves this ChurnModel; what is gone is no error."""


class Cluster(Protocol):
    """The API server, for the ChurnModel itself."""

    async def read(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """The object as it is now, past every cache; None where there is none."""

    async def set_finalizer(self, key: ObjectKey, present: bool) -> Mapping[str, Any] | None:
        """Add or remove our finalizer; answers the object, or None where it is gone."""

    async def write_status(self, key: ObjectKey, status: Mapping[str, Any], resource_version: str) -> Mapping[str, Any]:
        """Replace the status, if the object is still at `resource_version` (else Conflict)."""

    async def post_event(self, key: ObjectKey, uid: str, event: Event) -> None:
        """Post an Event about the ChurnModel."""


class Inventory(Protocol):
    """What the API server has, by name."""

    async def churn_models(self) -> frozenset[ObjectKey]:
        """All ChurnModels that are watched."""

    async def serving(self) -> frozenset[tuple[str, ObjectKey]]:
        """Kind and name of everything that serves some ChurnModel: InferenceServices and HTTPRoutes with our label."""


class ServingKnowledge(Protocol):
    """What the watch has shown of what serves."""

    def names(self) -> dict[tuple[str, ObjectKey], ObjectKey]:
        """Kind and name of what is known to be there, with the ChurnModel that it serves."""

    def forget(self, key: ObjectKey) -> None:
        """Ask the API server about this ChurnModel next time."""


class Lease(Protocol):
    """The lock in the cluster that one of several operators holds."""

    async def read(self) -> tuple[LeaseRecord, str] | None:
        """What stands in it, with its resourceVersion; None where there is no Lease yet."""

    async def write(self, record: LeaseRecord, version: str | None) -> str:
        """Replace it if it is still at `version`, or create it (None): else Conflict. Answers the new version."""


class Metrics(Protocol):
    """Prometheus."""

    async def traffic(self, question: TrafficQuestion) -> Traffic:
        """What both versions answered, one sample a window, in the windows' order. A version without series has
        answered nothing. Raises Transient where Prometheus does not answer, Rejected where it is none."""

    async def measure(self, question: TrafficQuestion, name: str, template: str) -> Measurement:
        """The value of a user's PromQL template (its variables: adapters/prometheus_queries.py). Raises Rejected
        with the check's name for a template that cannot be filled, or that Prometheus refuses."""


class Hooks(Protocol):
    """Users' webhooks."""

    async def ask(self, call: HookCall, max_age: timedelta = timedelta(0)) -> HookAnswer:
        """Whether the hook confirms; what it said no longer than `max_age` ago will do, also that it said nothing.
        Raises Transient where it does not answer, or not yet: ask again; Rejected where its Secret or its address is
        none."""

    def tell(self, call: HookCall) -> None:
        """Call it in the background, as an event hook: its answer counts for nothing, and it may be lost."""


class Notifier(Protocol):
    """Whoever wants to hear of events outside the cluster."""

    def publish(self, notification: Notification) -> None:
        """Tell in the background: never fails, never waits, and may be lost."""
