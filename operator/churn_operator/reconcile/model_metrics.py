"""Prometheus metrics about each ChurnModel, derived from its status alone: a restart of the operator changes none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus
from churn_operator.api.v1alpha1.status import Version, VersionState
from churn_operator.core.observation import InvalidSpec, ObjectKey
from churn_operator.core.steps import steps_of


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name without the common prefix, what it means, and its labels after namespace and name."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


CONDITION: Final = Family(
    "condition",
    "Always 1. Ready has one series; Reconciling and Stalled have one only while they are True.",
    ("type", "status", "reason"),
)
STABLE: Final = Family("stable_version", "Number of the version in service.")
CANDIDATE: Final = Family("candidate_version", "Number of the version on its way into service.")
WEIGHT: Final = Family("candidate_weight_percent", "Traffic wished for the candidate.")
STEP: Final = Family("rollout_step", "Index of the step that is under way, from 0.")
STEP_STARTED: Final = Family("rollout_step_started_timestamp_seconds", "When the step that is under way was entered.")
STEP_BAKE: Final = Family("rollout_step_bake_seconds", "How long the step that is under way is to last.")
PROMOTED: Final = Family("promoted_timestamp_seconds", "When the version in service came into service.", ("version",))
ROLLED_BACK: Final = Family(
    "rolled_back_timestamp_seconds", "When a version was rolled back last.", ("version", "reason")
)
REJECTIONS: Final = Family("gate_rejections", "Newest versions in a row that the gate refused.")
GATE_VALUE: Final = Family("gate_value", "What the gate saw of the newest version.", ("version", "metric", "check"))
GATE_THRESHOLD: Final = Family(
    "gate_threshold", "The value that is still good enough.", ("version", "metric", "check", "bound")
)
ROC_AUC: Final = Family("roc_auc", "ROC AUC on the frozen holdout.", ("version", "state"))

PREFIX = "churn_operator_model_"
FAMILIES = (
    CONDITION, STABLE, CANDIDATE, WEIGHT, STEP, STEP_STARTED, STEP_BAKE, PROMOTED, ROLLED_BACK, REJECTIONS, GATE_VALUE,
    GATE_THRESHOLD, ROC_AUC,
)  # fmt: skip

Sample = tuple[Family, tuple[str, ...], float]
"""A metric, the values of its labels after namespace and name, and its value."""

_ONLY_WHILE_TRUE = (ConditionType.RECONCILING, ConditionType.STALLED)


class ModelMetrics:
    """The samples of all ChurnModels, as lines of Prometheus' text format. kube-state-metrics does the same: with ten
    thousand of them, the client library would take two seconds of each scrape to make the same lines again."""

    def __init__(self) -> None:
        self._lines: dict[ObjectKey, dict[Family, str]] = {}

    def show(self, key: ObjectKey, spec: ChurnModelSpec | InvalidSpec, status: ChurnModelStatus) -> None:
        """What is exported of a ChurnModel from now on."""
        lines: dict[Family, str] = {}
        for family, labels, value in samples_of(spec, status):
            lines[family] = lines.get(family, "") + _line(key, family, labels, value)
        self._lines[key] = lines

    def forget(self, key: ObjectKey) -> None:
        """It is gone."""
        self._lines.pop(key, None)

    def text(self) -> bytes:
        """All families. May be asked for in another thread than the loop's."""
        models = tuple(self._lines.values())
        parts = []
        for family in FAMILIES:
            name = PREFIX + family.name
            parts.append(f"# HELP {name} {family.help}\n# TYPE {name} gauge\n")
            parts.extend(lines[family] for lines in models if family in lines)
        return "".join(parts).encode()


def _line(key: ObjectKey, family: Family, labels: tuple[str, ...], value: float) -> str:
    names = ("namespace", "name", *family.labels)
    values = (key.namespace, key.name, *labels)
    pairs = ",".join(f'{name}="{_escaped(text)}"' for name, text in zip(names, values, strict=True))
    return f"{PREFIX}{family.name}{{{pairs}}} {float(value)!r}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def samples_of(spec: ChurnModelSpec | InvalidSpec, status: ChurnModelStatus) -> Iterator[Sample]:
    """Everything that is exported of one ChurnModel."""
    yield from _conditions(status)
    yield from _rollout(spec, status)
    yield from _history(status)
    if status.versions:
        yield from _gate(status.versions[-1])
    for number in (status.rollout.stable, status.rollout.candidate):
        version = status.version(number)
        if version is not None and "rocAuc" in version.metrics:
            yield ROC_AUC, (str(version.number), version.state.value), version.metrics["rocAuc"]


def _conditions(status: ChurnModelStatus) -> Iterator[Sample]:
    for condition in status.conditions:
        told = condition.type == ConditionType.READY or (
            condition.type in _ONLY_WHILE_TRUE and condition.status is ConditionStatus.TRUE
        )
        if told:
            yield CONDITION, (condition.type, condition.status.value, condition.reason), 1


def _rollout(spec: ChurnModelSpec | InvalidSpec, status: ChurnModelStatus) -> Iterator[Sample]:
    rollout = status.rollout
    if rollout.stable is not None:
        yield STABLE, (), rollout.stable
    if rollout.candidate is None:
        return
    yield CANDIDATE, (), rollout.candidate
    yield WEIGHT, (), rollout.weight or 0
    index = rollout.step or 0
    yield STEP, (), index
    entered = rollout.step_started or rollout.step_requested or rollout.started
    if entered is not None:
        yield STEP_STARTED, (), entered.timestamp()
    if isinstance(spec, ChurnModelSpec):
        steps = steps_of(spec.rollout, first=rollout.stable is None)
        yield STEP_BAKE, (), steps[min(index, len(steps) - 1)].bake.total_seconds()


def _history(status: ChurnModelStatus) -> Iterator[Sample]:
    stable = status.version(status.rollout.stable)
    if stable is not None and stable.promoted is not None:
        yield PROMOTED, (str(stable.number),), stable.promoted.timestamp()
    gone = [
        (version.retired, version)
        for version in status.versions
        if version.state is VersionState.ROLLED_BACK and version.retired is not None
    ]
    if gone:
        retired, version = max(gone, key=_time)
        yield ROLLED_BACK, (str(version.number), version.reason.partition(":")[0]), retired.timestamp()
    yield REJECTIONS, (), _rejected_in_a_row(status.versions)


def _time(dated: tuple[datetime, Version]) -> datetime:
    return dated[0]


def _rejected_in_a_row(versions: Iterable[Version]) -> int:
    count = 0
    for version in versions:
        count = count + 1 if version.state is VersionState.REJECTED else 0
    return count


def _gate(version: Version) -> Iterator[Sample]:
    for result in version.gate:
        labels = (str(version.number), result.metric, result.check.value)
        if result.value is not None:
            yield GATE_VALUE, labels, result.value
        for bound, threshold in (("minimum", result.minimum), ("maximum", result.maximum)):
            if threshold is not None:
                yield GATE_THRESHOLD, (*labels, bound), threshold
