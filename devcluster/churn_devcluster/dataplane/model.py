"""The facts a revision and its service are made of; values only, kept in the state file as JSON."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Base of every immutable record here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeploymentMode(StrEnum):
    """The two modes of KServe that the double plays."""

    KNATIVE = "Knative"
    STANDARD = "Standard"


class Template(Value):
    """What a revision is made from. Two equal templates never make two revisions in a row."""

    labels: dict[str, str]
    annotations: dict[str, str]
    predictor: dict[str, Any]
    runtime: str
    runtime_container: dict[str, Any]

    @property
    def digest(self) -> str:
        """sha256 in hex over the canonical JSON of the template."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def storage_uri(self) -> str:
        """`predictor.model.storageUri`; empty when the predictor names none."""
        return str(self.predictor.get("model", {}).get("storageUri", ""))

    @property
    def minimum_replicas(self) -> int:
        """`predictor.minReplicas`; KServe's default is 1."""
        replicas = self.predictor.get("minReplicas")
        return 1 if replicas is None else int(replicas)


class Phase(StrEnum):
    """Where the only pod of a revision stands."""

    CREATE_FAILED = "CreateFailed"
    INITIALIZING = "Initializing"
    STARTING = "Starting"
    READY = "Ready"
    FAILED = "Failed"


class Failure(Value):
    """Why a pod failed: the end of its log, as the termination message, and the exit code."""

    message: str
    exit_code: int = 1


class Pod(Value):
    """The pod of a revision; here one model server process. `name` and `port` are set while it is Ready."""

    phase: Phase
    failure: Failure | None = None
    name: str = ""
    port: int | None = None


class Revision(Value):
    """One immutable revision of a predictor.

    `failure` is kept until the revision becomes ready. `pod` is None at zero pods. In Standard mode it is
    the ReplicaSet that a Deployment, known by its `predictor.name`, made in a `generation` of its own.
    """

    name: str
    template: Template
    deployment: str = ""
    generation: int = 0
    pod: Pod | None = None
    failure: Failure | None = None
    create_failed: bool = False


class Canary(Value):
    """One entry of `spec.canary[]`; at 0 replicas it has no pod."""

    name: str
    percent: int
    replicas: int


class TrafficTarget(Value):
    """One line of the Knative service's spec.traffic; no revision name stands for the latest ready one."""

    percent: int
    revision_name: str | None = None
    tag: str | None = None


class Share(Value):
    """One line of the Knative service's status.traffic."""

    revision_name: str
    percent: int
    latest: bool
    tag: str | None = None


class TransitionStatus(StrEnum):
    """`modelStatus.transitionStatus`."""

    UP_TO_DATE = "UpToDate"
    IN_PROGRESS = "InProgress"
    BLOCKED_BY_FAILED_LOAD = "BlockedByFailedLoad"
    INVALID_SPEC = "InvalidSpec"


class FailureInfo(Value):
    """`modelStatus.lastFailureInfo`."""

    reason: str
    message: str
    exit_code: int | None = None


class ModelStatus(Value):
    """`modelStatus`; `last_failure` is never cleared, only replaced, as in KServe."""

    transition: TransitionStatus = TransitionStatus.IN_PROGRESS
    active: str = ""
    target: str = "Pending"
    ready_copies: int = 0
    last_failure: FailureInfo | None = None


class Service(Value):
    """All that the double remembers of one InferenceService.

    `generation` is that of the Knative service, not of the InferenceService. `effective` is what Envoy is
    known to do; empty before the first revision is ready. `routed` is whether there ever was a route.
    `predictor_name` and `canaries` are those of Standard mode.
    """

    namespace: str
    name: str
    uid: str
    mode: DeploymentMode
    generation: int = 0
    revisions: tuple[Revision, ...] = ()
    created: int = 0
    targets: tuple[TrafficTarget, ...] = ()
    effective: tuple[Share, ...] = ()
    routed: bool = False
    predictor_name: str = ""
    canaries: tuple[Canary, ...] = ()
    latest_ready: str = ""
    latest_rolled_out: str = ""
    previous_rolled_out: str = ""
    model: ModelStatus = ModelStatus()

    @property
    def latest_created(self) -> Revision | None:
        """The newest revision; canaries of Standard mode do not count."""
        mine = [revision for revision in self.revisions if revision.deployment == self.predictor_name]
        return mine[-1] if mine else None

    @property
    def observed_generation(self) -> int:
        """`status.observedGeneration`: that of the Knative service, or of the predictor's Deployment."""
        if self.mode is DeploymentMode.KNATIVE:
            return self.generation
        latest = self.latest_created
        return 0 if latest is None else latest.generation

    def revision(self, name: str) -> Revision | None:
        """The revision of that name, unless it is gone."""
        return next((revision for revision in self.revisions if revision.name == name), None)
