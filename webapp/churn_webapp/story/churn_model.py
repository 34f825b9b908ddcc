"""The parts of a ChurnModel that the pages show, read leniently: an older app shows a newer status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

ANNOTATION_PREFIX = "churnops.dev/"
_SHARE = re.compile(r"v(\d+) (\d+)%")
_NEVER = datetime.min.replace(tzinfo=UTC)


def _absent_as_empty(value: Any) -> Any:
    return () if value is None else value


class Part(BaseModel):
    """camelCase on the wire; what is unknown is left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Condition(Part):
    """As metav1.Condition."""

    type: str
    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


class GateResult(Part):
    """One verdict of the gate."""

    metric: str
    check: str = "Threshold"
    value: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    lower: float | None = None
    upper: float | None = None
    confidence: float | None = None
    passed: bool = False
    reason: str | None = None
    message: str | None = None


class Version(Part):
    """One model that was made."""

    number: int
    state: str = ""
    output_uri: str = ""
    sha256: str = ""
    run_id: str = ""
    algorithm: str = ""
    metrics: dict[str, float] = {}
    gate: tuple[GateResult, ...] = ()
    created: datetime | None = None
    promoted: datetime | None = None
    retired: datetime | None = None
    reason: str = ""


class Check(Part):
    """One check of live traffic, as it was last made."""

    name: str
    verdict: str = ""
    reason: str = ""
    value: float | None = None
    threshold: float | None = None
    samples: int = 0
    p_value: float | None = None
    message: str = ""


class Analysis(Part):
    """The checks of live traffic in this rollout."""

    verdict: str = ""
    checks: tuple[Check, ...] = ()
    looks: int = 0
    failed: int = 0
    last_run: datetime | None = None


class RolloutStatus(Part):
    """Where a rollout stands."""

    stable: int | None = None
    candidate: int | None = None
    step: int | None = None
    weight: int | None = None
    mirror: int = 0
    started: datetime | None = None
    step_started: datetime | None = None
    paused: bool = False
    promoting: bool = False
    approved: int | None = None
    awaiting: str | None = None
    analysis: Analysis | None = None


class Training(Part):
    """The training under way, or the last one."""

    key: str = ""
    attempt: int = 1
    state: str = ""
    run_name: str = ""
    run_id: str | None = None
    run_url: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    last_error: str | None = None


class Status(Part):
    """status."""

    phase: str = "Pending"
    conditions: Annotated[tuple[Condition, ...], BeforeValidator(_absent_as_empty)] = ()
    training: Training | None = None
    versions: Annotated[tuple[Version, ...], BeforeValidator(_absent_as_empty)] = ()
    latest_version: int = 0
    rollout: RolloutStatus = RolloutStatus()
    consumed: dict[str, str] = {}
    traffic: str | None = None
    roc_auc: str | None = None
    url: str | None = None


class Step(Part):
    """One step of a canary, as spec has it."""

    weight: int
    bake: str = "5m"
    shadow: bool = False
    approval: bool = False


AT_ONCE = Step(weight=100, bake="0s")
DEFAULT_STEPS = (Step(weight=10), Step(weight=50), AT_ONCE)
"""What the operator takes for a canary without steps."""


class RolloutSpec(Part):
    """spec.rollout."""

    strategy: str = "Canary"
    steps: tuple[Step, ...] = ()
    bake: str = "5m"

    def steps_of(self, first: bool) -> tuple[Step, ...]:
        """The steps that a candidate takes, as the operator takes them; the last one gives it everything. A `first`
        rollout has nothing to split the traffic with."""
        if first:
            return (AT_ONCE,)
        match self.strategy:
            case "BlueGreen":
                return (Step(weight=0, bake=self.bake), Step(weight=100, bake=self.bake))
            case "Immediate":
                return (Step(weight=100, bake=self.bake),)
        steps = self.steps or DEFAULT_STEPS
        everything = steps[-1].weight == 100 and not steps[-1].shadow
        return steps if everything else (*steps, AT_ONCE)


class Spec(Part):
    """The parts of spec that the pages show."""

    dataset: dict[str, Any] = {}
    rollout: RolloutSpec = RolloutSpec()
    rollback_to: int | None = None
    suspend: bool = False

    @property
    def has_telco_columns(self) -> bool:
        """Whether its customers are those of the built-in contract."""
        return not self.dataset.get("columns")


class Share(BaseModel):
    """How much of the traffic a version gets, in percent."""

    model_config = ConfigDict(frozen=True)

    version: int
    percent: int


class ChurnModel(BaseModel):
    """One ChurnModel."""

    model_config = ConfigDict(frozen=True)

    namespace: str
    name: str
    created: datetime | None = None
    annotations: dict[str, str] = {}
    spec: Spec = Spec()
    status: Status = Field(default=Status())

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> ChurnModel:
        """From the API server's object."""
        metadata = item["metadata"]
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            created=metadata.get("creationTimestamp"),
            annotations={
                name.removeprefix(ANNOTATION_PREFIX): value
                for name, value in metadata.get("annotations", {}).items()
                if name.startswith(ANNOTATION_PREFIX)
            },
            spec=Spec.model_validate(item.get("spec", {})),
            status=Status.model_validate(item.get("status", {})),
        )

    @property
    def key(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    @property
    def shares(self) -> tuple[Share, ...]:
        """Who gets the traffic, the stable version first."""
        found = [Share(version=int(v), percent=int(p)) for v, p in _SHARE.findall(self.status.traffic or "")]
        stable = self.status.rollout.stable
        return tuple(sorted(found, key=lambda share: (share.version != stable, share.version)))

    @property
    def stable(self) -> Version | None:
        """The version in service."""
        return self.version(self.status.rollout.stable)

    @property
    def candidate(self) -> Version | None:
        """The version on its way into service."""
        return self.version(self.status.rollout.candidate)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that a candidate takes now."""
        return self.spec.rollout.steps_of(first=self.status.rollout.stable is None)

    @property
    def step(self) -> Step | None:
        """The step of the rollout that is under way."""
        rollout = self.status.rollout
        if rollout.candidate is None or rollout.step is None:
            return None
        return self.steps[min(rollout.step, len(self.steps) - 1)]

    def version(self, number: int | None) -> Version | None:
        """The version with this number, or None."""
        return next((version for version in self.status.versions if version.number == number), None)

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, or None."""
        return next((condition for condition in self.status.conditions if condition.type == kind), None)

    @property
    def sentence(self) -> str:
        """What is going on, in one sentence: what it waits for a person for, else what is done, else whether it
        answers."""
        for kind, status in (("Stalled", "True"), ("Reconciling", "True"), ("Ready", None)):
            condition = self.condition(kind)
            if condition is not None and status in (None, condition.status) and condition.message:
                return condition.message
        return "the operator has not looked at it yet"


class Event(BaseModel):
    """Something that happened to a ChurnModel."""

    model_config = ConfigDict(frozen=True)

    type: str
    reason: str
    message: str
    count: int
    last_seen: datetime

    @classmethod
    def parse(cls, item: Mapping[str, Any]) -> Event:
        """From the API server's object (core/v1)."""
        metadata = item["metadata"]
        times = (item.get("lastTimestamp"), item.get("eventTime"), metadata.get("creationTimestamp"))
        return cls(
            type=item.get("type") or "Normal",
            reason=item.get("reason") or "",
            message=item.get("message") or "",
            count=item.get("count") or 1,
            last_seen=next((time for time in times if time), _NEVER),
        )
