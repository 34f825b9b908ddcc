"""Everything a decision may look at. What could not be seen is Unknown; time is data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from churn_report import Report

from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus
from churn_operator.core.analysis.samples import Measurement, Traffic, Unavailable
from churn_operator.core.traffic import TrafficObservation

T = TypeVar("T")


@dataclass(frozen=True)
class ObjectKey:
    """Namespace and name of a ChurnModel."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Known(Generic[T]):
    """It was seen."""

    value: T


@dataclass(frozen=True)
class Unknown:
    """It could not be seen; reason is CamelCase, message a sentence. `rejected`: asking again will not help."""

    reason: str
    message: str
    rejected: bool = False


Seen = Known[T] | Unknown

NOT_ASKED = Unknown("NotAsked", "")
"""The answer to a question that this pass had no reason to ask."""


@dataclass(frozen=True)
class InvalidSpec:
    """A spec that the API server let through but that cannot be read, with what to change."""

    message: str


@dataclass(frozen=True)
class Subject:
    """The ChurnModel itself. `finalized` says whether our finalizer is on it."""

    key: ObjectKey
    uid: str
    generation: int
    resource_version: str
    finalized: bool
    deletion_requested: datetime | None
    spec: ChurnModelSpec | InvalidSpec
    status: ChurnModelStatus
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PipelinesTarget:
    """One KFP installation and where in it the runs go."""

    endpoint: str
    namespace: str
    experiment: str
    service_account_name: str | None = None
    token_path: str | None = None


@dataclass(frozen=True)
class ObjectLocation:
    """Where a dataset or a package is, and the Secret that opens it (in the ChurnModel's namespace)."""

    uri: str
    endpoint: str
    namespace: str
    secret_name: str | None


@dataclass(frozen=True)
class PipelineInput:
    """An input that a pipeline declares: `type` is a parameter's type as KFP names it, or ARTIFACT; what is
    `required` has no default."""

    name: str
    type: str
    required: bool


@dataclass(frozen=True)
class PipelinePackage:
    """A compiled KFP package of a user: the sha256 of its content, what it takes, and the names of its steps."""

    digest: str
    inputs: tuple[PipelineInput, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class UnreadablePackage:
    """An object that is no compiled KFP package. `message` goes on from its URI: what it is, and what to do."""

    message: str


Package = PipelinePackage | UnreadablePackage


@dataclass(frozen=True)
class Installation:
    """What this operator was installed with: constants of every decision."""

    artifact_root: str
    code_version: str
    trainer_image: str
    runtime: str
    s3_endpoint: str
    pipelines: PipelinesTarget
    pipelines_secret: str
    traffic_driver: str
    cleanup_deadline: timedelta = timedelta(seconds=60)
    poll_interval: timedelta = timedelta(seconds=5)


class RunState(StrEnum):
    """The states of a KFP run that make a difference here."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @property
    def terminal(self) -> bool:
        """Whether the run has ended."""
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED)


@dataclass(frozen=True)
class Run:
    """A KFP run. `error` is what KFP says of a failure, often nothing."""

    id: str
    name: str
    state: RunState
    created: datetime
    url: str | None = None
    error: str = ""


@dataclass(frozen=True)
class Leftovers:
    """What a deletion still has to remove."""

    runs: tuple[Run, ...] = ()
    artifacts: bool = False


@dataclass(frozen=True)
class HookAnswer:
    """What a hook answered: 2xx confirms; `message` says what came instead."""

    confirmed: bool
    message: str = ""


@dataclass(frozen=True)
class Fault:
    """An action that was tried in this pass and failed. `rejected`: the same call would fail again; `changed`: what
    it was decided by is not there any more."""

    action: str
    rejected: bool
    message: str
    changed: bool = False


@dataclass(frozen=True)
class Observation:
    """The input of a decision.

    `dataset` is the digest, or None where there is no such object; `package` is that of the user's own pipeline, or
    None likewise. `run` is the run of status.training, or None where KFP has none of that name. `report` is that run's
    report, or None where there is none yet. `serving` is None where there is no InferenceService. `traffic` is that of
    the rollout under way, in the windows of status, and `measurements` are of its checks' own queries. `hooks` are the
    answers by the hooks' names.
    """

    now: datetime
    subject: Subject
    installation: Installation
    dataset: Seen[str | None] = NOT_ASKED
    package: Seen[Package | None] = NOT_ASKED
    run: Seen[Run | None] = NOT_ASKED
    report: Seen[Report | None] = NOT_ASKED
    serving: Seen[TrafficObservation | None] = NOT_ASKED
    traffic: Seen[Traffic] = NOT_ASKED
    measurements: Mapping[str, Measurement | Unavailable] = field(default_factory=dict)
    hooks: Seen[Mapping[str, HookAnswer]] = NOT_ASKED
    leftovers: Seen[Leftovers] = NOT_ASKED
    faults: tuple[Fault, ...] = ()
