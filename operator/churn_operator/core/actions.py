"""What a decision may ask for. Every action may be repeated: its name or its content is deterministic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from churn_operator.api.v1alpha1 import ChurnModelStatus
from churn_operator.core.observation import ObjectKey, ObjectLocation, PipelinesTarget
from churn_operator.core.traffic import ServingStep


@dataclass(frozen=True)
class AddFinalizer:
    """Make sure that a deletion waits for our cleanup."""


@dataclass(frozen=True)
class RemoveFinalizer:
    """Let the deletion go on."""


@dataclass(frozen=True)
class PackageReference:
    """The content of a user's own package: where it was seen, and its sha256."""

    location: ObjectLocation
    digest: str


@dataclass(frozen=True)
class SubmitRun:
    """Start a training run, or adopt the one of this name.

    `parameters` are the pipeline's, of which a user's own `package` gets those that it declares; without one it is the
    built-in pipeline's run. `image` None leaves every step its own; `requests` and `limits` are quantities of the
    training step; `secret_name` holds the S3 credentials of the steps.
    """

    target: PipelinesTarget
    run_name: str
    parameters: Mapping[str, str | int]
    image: str | None
    requests: tuple[tuple[str, str], ...]
    limits: tuple[tuple[str, str], ...]
    secret_name: str
    package: PackageReference | None = None


@dataclass(frozen=True)
class TerminateRun:
    """Stop a run that is no longer wanted."""

    target: PipelinesTarget
    run_id: str


@dataclass(frozen=True)
class DeleteRun:
    """Remove a run that has ended from KFP."""

    target: PipelinesTarget
    run_id: str


@dataclass(frozen=True)
class ApplyServing:
    """Take one step of the traffic driver."""

    key: ObjectKey
    uid: str
    driver: str
    step: ServingStep


@dataclass(frozen=True)
class DeleteServing:
    """Remove everything that serves the ChurnModel."""

    key: ObjectKey
    driver: str


@dataclass(frozen=True)
class DeleteArtifacts:
    """Remove every artifact below a URI that ends in a slash."""

    uri: str


Action = (
    AddFinalizer
    | RemoveFinalizer
    | SubmitRun
    | TerminateRun
    | DeleteRun
    | ApplyServing
    | DeleteServing
    | DeleteArtifacts
)


class EventType(StrEnum):
    """Kubernetes' two kinds of event."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class Event:
    """Something a person would want to read in `kubectl describe`."""

    type: EventType
    reason: str
    message: str


@dataclass(frozen=True)
class Decision:
    """What to do, what to say, and when to look again (None: only when something changes)."""

    status: ChurnModelStatus
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    requeue_after: timedelta | None = None
