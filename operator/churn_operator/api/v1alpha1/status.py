"""status: where a churn model stands."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PlainSerializer

from churn_operator.api.v1alpha1.common import StatusPart
from churn_operator.api.v1alpha1.rollout import HookType


def rfc3339(time: datetime) -> str:
    """As Kubernetes writes metav1.Time: UTC, to the second. A naive time is read as UTC."""
    aware = time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    return aware.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


Time = Annotated[datetime, PlainSerializer(rfc3339, when_used="json")]


class ConditionStatus(StrEnum):
    """Kubernetes' three-valued truth."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(StatusPart):
    """One aspect of the state, as metav1.Condition."""

    type: str = Field(description="Which aspect, e.g. Ready.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    observed_generation: int = Field(default=0, description="The generation this is about.")
    last_transition_time: Time = Field(description="When status changed last.")
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(default="", description="A sentence for a person.")


class Phase(StrEnum):
    """A summary for people, derived from the rest."""

    PENDING = "Pending"
    TRAINING = "Training"
    ROLLING_OUT = "RollingOut"
    ROLLING_BACK = "RollingBack"
    SERVING = "Serving"
    PINNED = "Pinned"
    SUSPENDED = "Suspended"
    FAILED = "Failed"
    DELETING = "Deleting"


class TrainingState(StrEnum):
    """Where the attempt stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    BACKING_OFF = "BackingOff"
    CANCELLING = "Cancelling"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class ChampionStatus(StatusPart):
    """The version in service that a training's model is compared with."""

    version: int = Field(description="Number of the version.")
    model_uri: str = Field(description="Folder of its model.")
    sha256: str = Field(description="Digest of its model.joblib.")
    confidence: float = Field(description="Confidence of each bound of the comparison.")


class TrainingStatus(StatusPart):
    """The training under way, or the last one."""

    key: str = Field(description="Training key: same key, same model.")
    dataset_digest: str = Field(description="Digest of the dataset this training reads.")
    attempt: int = Field(description="1 for the first attempt with this key.")
    failures: int = Field(default=0, description="Failed attempts since this key was last wished for.")
    state: TrainingState = Field(description="Where the attempt stands.")
    run_name: str = Field(description="Display name of the KFP run.")
    run_id: str | None = Field(default=None, description="Id of the KFP run.")
    run_url: str | None = Field(default=None, description="Page of the KFP run.")
    output_uri: str = Field(description="Where the run's artifacts go.")
    champion: ChampionStatus | None = Field(
        default=None, description="The version to compare with: that in service when this attempt was decided on."
    )
    requested: Time = Field(description="When this attempt was decided on.")
    started: Time | None = Field(default=None, description="When the run was first seen.")
    finished: Time | None = Field(default=None, description="When the run was seen to have ended.")
    retry_after: Time | None = Field(default=None, description="When the next attempt may begin.")
    reason: str | None = Field(default=None, description="CamelCase reason of the last error.")
    last_error: str | None = Field(default=None, description="The last error as a sentence.")


class VersionState(StrEnum):
    """What became of a version."""

    CANDIDATE = "Candidate"
    STABLE = "Stable"
    SUPERSEDED = "Superseded"
    ROLLED_BACK = "RolledBack"
    REJECTED = "Rejected"


class GateCheck(StrEnum):
    """What the gate looked at: a threshold, the alarm for a leaked target, or the version in service."""

    THRESHOLD = "Threshold"
    TOO_GOOD = "TooGood"
    CHAMPION = "Champion"


class GateResult(StatusPart):
    """One verdict of the gate."""

    metric: str = Field(description="Name of the metric.")
    check: GateCheck = Field(default=GateCheck.THRESHOLD, description="Threshold, TooGood or Champion.")
    value: float | None = Field(
        default=None,
        description="Observed value, for Champion the improvement on it; absent if the report lacks it.",
    )
    minimum: float | None = Field(default=None, description="Least value; for Champion the margin, below zero.")
    maximum: float | None = Field(default=None, description="Greatest value.")
    lower: float | None = Field(default=None, description="Lower confidence bound of the value.")
    upper: float | None = Field(default=None, description="Upper confidence bound of the value.")
    confidence: float | None = Field(default=None, description="Confidence of each bound on its own.")
    passed: bool = Field(description="Whether the gate lets the version through.")
    reason: str | None = Field(default=None, description="CamelCase reason of the verdict.")
    message: str | None = Field(default=None, description="The verdict as a sentence.")


class Version(StatusPart):
    """One model that was made."""

    number: int = Field(description="Counts up from 1.")
    key: str = Field(description="Training key.")
    state: VersionState = Field(description="What became of it.")
    model_uri: str = Field(description="storageUri of the InferenceService.")
    output_uri: str = Field(description="Root of the run's artifacts.")
    sha256: str = Field(description="Digest of model.joblib.")
    dataset_digest: str = Field(description="Digest of the dataset it was made from.")
    pipeline: str | None = Field(
        default=None, description="sha256 of the package of training.pipeline; absent for the built-in pipeline."
    )
    run_id: str = Field(description="Id of the KFP run.")
    image: str = Field(default="", description="Trainer image; empty for the images of a pipeline of your own.")
    algorithm: str = Field(default="", description="Algorithm that made it.")
    metrics: dict[str, float] = Field(default={}, description="Metrics on the frozen holdout.")
    gate: tuple[GateResult, ...] = Field(default=(), description="The gate's verdict, threshold by threshold.")
    revision: str = Field(default="", description="Revision of the InferenceService that serves it.")
    created: Time = Field(description="When the version was recorded.")
    promoted: Time | None = Field(default=None, description="When it became stable.")
    retired: Time | None = Field(default=None, description="When it was superseded, rolled back or rejected.")
    reason: str = Field(default="", description="Why it was rejected or rolled back.")


class Verdict(StrEnum):
    """What a check of live traffic found. Inconclusive: too little was seen, or what was seen may be chance.
    Error: the check could not be made, which says nothing of the candidate."""

    PASSED = "Passed"
    INCONCLUSIVE = "Inconclusive"
    FAILED = "Failed"
    ERROR = "Error"


class CheckStatus(StatusPart):
    """One check of live traffic, as it was last made."""

    name: str = Field(description="Name of the check, as in spec.")
    verdict: Verdict = Field(description="Passed, Inconclusive, Failed or Error.")
    reason: str = Field(description="CamelCase reason of the verdict, e.g. TooFewRequests.")
    value: float | None = Field(default=None, description="Observed value; absent if nothing could be observed.")
    threshold: float | None = Field(default=None, description="The value that is still good.")
    samples: int = Field(default=0, description="Observations of the candidate that the value rests on.")
    p_value: float | None = Field(
        default=None, description="Chance of such evidence if all were well, however often one looked; 0 to 1."
    )
    message: str = Field(default="", description="The verdict as a sentence.")


class AnalysisStatus(StatusPart):
    """The checks of live traffic in this rollout."""

    verdict: Verdict = Field(description="Verdict of the last look over all checks.")
    checks: tuple[CheckStatus, ...] = Field(
        default=(),
        description="The checks of the last look.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    looks: int = Field(default=0, description="Looks at the traffic in this rollout.")
    failed: int = Field(default=0, description="Looks that found the candidate to fail.")
    inconclusive_since: Time | None = Field(default=None, description="Since when every look was Inconclusive.")
    error_since: Time | None = Field(default=None, description="Since when every look ended in Error.")
    last_run: Time = Field(description="When the last look was taken.")
    baked: bool = Field(default=False, description="Whether the step's bake was over at the last look.")


class StepStatus(StatusPart):
    """A time in which the split of the traffic did not change: the versions are compared within each."""

    step: int = Field(description="Index of the step, from 0.")
    weight: int = Field(description="Percent of live traffic that the candidate had.")
    mirror: int = Field(default=0, description="Percent of requests that were mirrored to it.")
    started: Time = Field(description="When that was seen in effect.")
    ended: Time | None = Field(default=None, description="When it was given up; absent while it lasts.")


class Confirmation(StatusPart):
    """A moment of the rollout that its hooks let pass."""

    type: HookType = Field(description="Type of the hooks.")
    step: int = Field(description="Index of the step at which they did.")


class RolloutStatus(StatusPart):
    """The versions in service and the step of a canary."""

    stable: int | None = Field(default=None, description="Version in service.")
    candidate: int | None = Field(default=None, description="Version on its way into service.")
    step: int | None = Field(default=None, description="Index of the step, from 0.")
    weight: int | None = Field(default=None, description="Percent of traffic wished for the candidate.")
    mirror: int = Field(default=0, description="Percent of requests of which the candidate gets a copy.")
    started: Time | None = Field(default=None, description="When the rollout began.")
    step_requested: Time | None = Field(default=None, description="When the step's weight was seen to be asked for.")
    step_started: Time | None = Field(default=None, description="When the step's weight was seen in effect.")
    steps: tuple[StepStatus, ...] = Field(
        default=(),
        description="The steps so far, oldest first, with the times in which the traffic was split so.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    paused: bool = Field(default=False, description="Whether the rollout was paused by churnops.dev/pause.")
    promoting: bool = Field(
        default=False, description="Whether churnops.dev/promote asked to skip everything that is left of the rollout."
    )
    approved: int | None = Field(default=None, description="Index of the step that was approved, from 0.")
    awaiting: str | None = Field(
        default=None, description="What the rollout waits for: Analysis, Approval, or hooks by their type."
    )
    confirmed: tuple[Confirmation, ...] = Field(
        default=(),
        description="What hooks have let pass in this rollout.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    analysis: AnalysisStatus | None = Field(default=None, description="Checks of live traffic in this rollout.")


class ModelChange(StatusPart):
    """A change of the model URI of the InferenceService, as it was decided on."""

    uri: str = Field(description="The new model URI.")
    previous_revision: str = Field(description="Newest revision before that: only a later one is the new model's.")


class ServingStatus(StatusPart):
    """What was last known of the InferenceService."""

    driver: str = Field(default="", description="Traffic driver in use.")
    changes: tuple[ModelChange, ...] = Field(
        default=(),
        description="The last changes of the model URI, oldest first; the newest may not be made yet.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )

    def previous_revision(self, uri: str) -> str:
        """The newest revision before this became the model URI; empty where that is not known."""
        return next((change.previous_revision for change in reversed(self.changes) if change.uri == uri), "")


class RejectedKey(StatusPart):
    """A training key that is not tried again."""

    key: str = Field(description="Training key.")
    reason: str = Field(description="CamelCase reason.")
    message: str = Field(description="Why, as a sentence.")
    time: Time = Field(description="When.")


class AbandonedTraining(StatusPart):
    """A training that ended without a version: its runs' names are spent."""

    key: str = Field(description="Training key.")
    attempt: int = Field(description="The last attempt with this key.")


class DatasetStatus(StatusPart):
    """The dataset as it was last adopted for training, and the training key that follows."""

    digest: str = Field(description="Digest of the objects.")
    adopted: Time = Field(description="When this digest was adopted.")
    fingerprint: str = Field(description="Digest of the training part of spec that the data was adopted for.")
    pipeline: str | None = Field(
        default=None,
        description="sha256 of the package of training.pipeline that the key is made with; absent for the built-in "
        "pipeline.",
    )
    key: str = Field(description="The training key wished for: same key, same model.")


class PipelineStatus(StatusPart):
    """The package of training.pipeline as it was last taken up."""

    digest: str = Field(description="sha256 of its content.")
    fingerprint: str = Field(description="Digest of the training part of spec that it was looked at for.")
    inputs: tuple[str, ...] = Field(default=(), description="The inputs that it declares.")
    steps: tuple[str, ...] = Field(default=(), description="The names of its steps.")
    adopted: Time = Field(description="When this content was taken up.")


class DeletionStatus(StatusPart):
    """How far a deletion has come."""

    started: Time = Field(description="When the operator began to clean up.")
    gave_up: tuple[str, ...] = Field(default=(), description="What could not be removed in time.")


class ChurnModelStatus(StatusPart):
    """Where a churn model stands."""

    observed_generation: int = Field(default=0, description="The generation this status is about.")
    phase: Phase = Field(default=Phase.PENDING, description="A summary, derived from the rest.")
    conditions: tuple[Condition, ...] = Field(
        default=(),
        description="Ready, Reconciling, Stalled, DatasetReady, PipelineReady, Trained, GatePassed, Served, "
        "CanaryHealthy.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    dataset: DatasetStatus | None = Field(default=None, description="The dataset as last adopted.")
    pipeline: PipelineStatus | None = Field(
        default=None, description="The package of training.pipeline as last taken up; absent for the built-in pipeline."
    )
    training: TrainingStatus | None = Field(default=None, description="The training under way, or the last one.")
    abandoned: tuple[AbandonedTraining, ...] = Field(
        default=(), description="Trainings that were left without a version: a new try counts on from there."
    )
    versions: tuple[Version, ...] = Field(
        default=(),
        description="The models that were made, oldest first.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["number"]},
    )
    latest_version: int = Field(default=0, description="Greatest version number ever given.")
    rollout: RolloutStatus = Field(default=RolloutStatus(), description="The versions in service.")
    serving: ServingStatus = Field(default=ServingStatus(), description="What is known of the InferenceService.")
    rejected_keys: tuple[RejectedKey, ...] = Field(default=(), description="Training keys that are not tried again.")
    consumed: dict[str, str] = Field(
        default={}, description="Values of the annotations churnops.dev/<verb> that were acted upon, by verb."
    )
    deletion: DeletionStatus | None = Field(default=None, description="How far a deletion has come.")
    next_run: Time | None = Field(default=None, description="When the next scheduled training is due.")
    drift: str | None = Field(default=None, description="Drift as one word.")
    traffic: str | None = Field(default=None, description="Traffic by version, e.g. v1 90%, v2 10%.")
    roc_auc: str | None = Field(default=None, description="ROC AUC of the version in service.")
    url: str | None = Field(default=None, description="Where the model answers.")

    def version(self, number: int | None) -> Version | None:
        """The version with this number, or None."""
        return next((version for version in self.versions if version.number == number), None)

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, or None."""
        return next((condition for condition in self.conditions if condition.type == kind), None)
