"""A ChurnModel as the command line reads it: what it needs of the object, lenient about everything else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from churnctl.console import visible
from churnctl.times import time_of

_SHARE = re.compile(r"v(\d+) (\d+)%")
_DEFAULT_STEPS = ((10, "5m"), (50, "5m"), (100, "0s"))


@dataclass(frozen=True)
class Condition:
    """One condition."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True)
class Version:
    """One model that was made."""

    number: int
    state: str
    algorithm: str
    key: str
    run_id: str
    image: str
    pipeline: str
    sha256: str
    dataset_digest: str
    output_uri: str
    metrics: Mapping[str, float]
    gate: tuple[Mapping[str, Any], ...]
    created: datetime | None
    promoted: datetime | None
    retired: datetime | None
    reason: str


@dataclass(frozen=True)
class Step:
    """One step of a rollout: percent of live traffic or of mirrored requests, and what ends it."""

    weight: int
    bake: str
    shadow: bool
    approval: bool

    @property
    def share(self) -> str:
        """What the candidate gets."""
        return f"{self.weight} % mirrored" if self.shadow else f"{self.weight} %"


@dataclass(frozen=True)
class Rollout:
    """The versions in service, and how far a candidate has come."""

    stable: int | None
    candidate: int | None
    step: int | None
    paused: bool
    promoting: bool
    approved: int | None
    awaiting: str | None
    step_started: datetime | None
    analysis: Mapping[str, Any] | None


@dataclass(frozen=True)
class ChurnModel:
    """The object. `traffic` is percent by version number."""

    name: str
    namespace: str
    resource_version: str
    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    phase: str
    url: str | None
    conditions: tuple[Condition, ...]
    versions: tuple[Version, ...]
    latest_version: int
    rollout: Rollout
    training: Mapping[str, Any]
    rejected_keys: tuple[str, ...]
    consumed: Mapping[str, str]
    traffic: Mapping[int, int] = field(default_factory=dict)

    def version(self, number: int | None) -> Version | None:
        """The version of this number, or None."""
        return next((version for version in self.versions if version.number == number), None)

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, or None."""
        return next((condition for condition in self.conditions if condition.type == kind), None)

    @property
    def standing(self) -> str | None:
        """What goes on, or how it stands where nothing goes on any more; None before the operator has seen it."""
        working, ready = self.condition("Reconciling"), self.condition("Ready")
        told = working if working is not None and working.status == "True" else ready
        return told.message or None if told is not None else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the rollout under way, as the operator takes them."""
        if self.rollout.stable is None:
            return (Step(100, "0s", False, False),)
        rollout = self.spec.get("rollout", {})
        bake = rollout.get("bake", "5m")
        match rollout.get("strategy", "Canary"):
            case "BlueGreen":
                return (Step(0, bake, False, False), Step(100, bake, False, False))
            case "Immediate":
                return (Step(100, bake, False, False),)
        steps = tuple(_step(each) for each in rollout.get("steps") or ())
        if not steps:
            return tuple(Step(weight, each, False, False) for weight, each in _DEFAULT_STEPS)
        if steps[-1].shadow or steps[-1].weight < 100:
            return (*steps, Step(100, "0s", False, False))
        return steps


def read(item: Mapping[str, Any]) -> ChurnModel:
    """The object from the API server, to be shown: without control characters in its texts."""
    item = _visible(item)
    metadata, status = item["metadata"], item.get("status") or {}
    return ChurnModel(
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        resource_version=metadata.get("resourceVersion", ""),
        annotations=metadata.get("annotations") or {},
        labels=metadata.get("labels") or {},
        spec=item.get("spec") or {},
        phase=status.get("phase", ""),
        url=status.get("url"),
        conditions=tuple(_condition(each) for each in status.get("conditions") or ()),
        versions=tuple(_version(each) for each in status.get("versions") or ()),
        latest_version=status.get("latestVersion", 0),
        rollout=_rollout(status.get("rollout") or {}),
        training=status.get("training") or {},
        rejected_keys=tuple(each["key"] for each in status.get("rejectedKeys") or ()),
        consumed=status.get("consumed") or {},
        traffic={int(number): int(share) for number, share in _SHARE.findall(status.get("traffic") or "")},
    )


def _visible(value: Any) -> Any:
    match value:
        case str():
            return value if value.isprintable() else visible(value, kept="\n\t")
        case Mapping():
            return {name: _visible(child) for name, child in value.items()}
        case list():
            return [_visible(child) for child in value]
        case _:
            return value


def _condition(item: Mapping[str, Any]) -> Condition:
    return Condition(item["type"], item["status"], item.get("reason", ""), item.get("message", ""))


def _step(item: Mapping[str, Any]) -> Step:
    return Step(item["weight"], item.get("bake", "5m"), item.get("shadow", False), item.get("approval", False))


def _rollout(item: Mapping[str, Any]) -> Rollout:
    return Rollout(
        stable=item.get("stable"),
        candidate=item.get("candidate"),
        step=item.get("step"),
        paused=item.get("paused", False),
        promoting=item.get("promoting", False),
        approved=item.get("approved"),
        awaiting=item.get("awaiting"),
        step_started=time_of(item.get("stepStarted")),
        analysis=item.get("analysis"),
    )


def _version(item: Mapping[str, Any]) -> Version:
    return Version(
        number=item["number"],
        state=item.get("state", ""),
        algorithm=item.get("algorithm", ""),
        key=item.get("key", ""),
        run_id=item.get("runId", ""),
        image=item.get("image", ""),
        pipeline=item.get("pipeline", ""),
        sha256=item.get("sha256", ""),
        dataset_digest=item.get("datasetDigest", ""),
        output_uri=item.get("outputUri", ""),
        metrics=item.get("metrics") or {},
        gate=tuple(item.get("gate") or ()),
        created=time_of(item.get("created")),
        promoted=time_of(item.get("promoted")),
        retired=time_of(item.get("retired")),
        reason=item.get("reason", ""),
    )
