"""spec.evaluation: what a model must show on the frozen holdout before it may serve."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from churn_operator.api.v1alpha1.common import METRICS, SpecPart
from churn_operator.api.v1alpha1.rules import Rule, rules

_LOWER_IS_BETTER = ("brier", "expectedCalibrationError", "logLoss")
_UNBOUNDED = ("logLoss", "liftTopDecile", "empc")


def _listed(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


def _none_is(offence: str, message: str, told: str) -> Rule:
    """No key of a map may commit `offence` (CEL over `metric`); `told` is said of the first that does."""
    first = f"self.filter(metric, {offence})[0]"
    return Rule(rule=f"!self.exists(metric, {offence})", message=message, message_expression=f"{first} + ' {told}'")


_KNOWN = _none_is(
    f"!(metric in {_listed(METRICS)})",
    "names a metric that does not exist",
    f"is not a metric: use one of {', '.join(METRICS)}",
)
_A_SHARE = _none_is(
    f"!(metric in {_listed(_UNBOUNDED)}) && (self[metric] < 0.0 || self[metric] > 1.0)",
    "a threshold is outside its metric's range",
    "lies between 0 and 1: write 0.8, not 80",
)
_NO_FLOOR_FOR_LOSSES = _none_is(
    f"metric in {_listed(_LOWER_IS_BETTER)}",
    "names a metric that is better when lower",
    "is better when lower: put it under maximums",
)

MetricName = StrEnum("MetricName", {name: name for name in METRICS})  # type: ignore[misc]
Thresholds = Annotated[dict[str, float], Field(max_length=20), _KNOWN, _A_SHARE]


# The API server would cut a schema's own bounds to whole numbers in its answer.
_CONFIDENCE = Rule("self >= 0.5 && self <= 0.999", "confidence lies between 0.5 and 0.999: write 0.95, not 95")


class TooGood(SpecPart):
    """An alarm for a metric that is too good to be true: most often a leaked target."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"!(self.metric in {_listed(_LOWER_IS_BETTER)})",
                f"tooGood watches a metric that is better when higher, not {', '.join(_LOWER_IS_BETTER)}",
            ),
            (
                f"self.metric in {_listed(_UNBOUNDED)} || (self.above > 0.0 && self.above < 1.0)",
                "tooGood.above lies between 0 and 1 for this metric: write 0.9, not 90",
            ),
        )
    )

    metric: MetricName = Field(default=MetricName("rocAuc"), description="The metric to watch.")
    above: float = Field(default=0.9, description="A value above this blocks the version.")


class Champion(SpecPart):
    """The version in service that a candidate must not fall behind (paired bootstrap, non-inferiority)."""

    metric: MetricName = Field(default=MetricName("rocAuc"), description="The metric to compare.")
    margin: Annotated[float, Field(ge=0, le=1)] = Field(default=0.005, description="How much worse is still accepted.")
    confidence: Annotated[float, _CONFIDENCE] = Field(
        default=0.95, description="Confidence of the one-sided bound, from 0.5 to 0.999."
    )


class Evaluation(SpecPart):
    """The gate."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.minimums) || !has(self.maximums) || self.minimums.all(metric, !(metric in self.maximums) "
                "|| self.minimums[metric] <= self.maximums[metric])",
                "a metric's minimum is greater than its maximum: no version could ever pass",
            ),
        )
    )

    minimums: Annotated[Thresholds, _NO_FLOOR_FOR_LOSSES] = Field(
        default={}, description=f"Least value by metric, e.g. rocAuc: 0.8. Metrics: {', '.join(METRICS)}."
    )
    maximums: Thresholds = Field(
        default={}, description="Greatest value by metric, e.g. expectedCalibrationError: 0.05."
    )
    too_good: TooGood | None = Field(default=None, description="Alarm for likely leakage.")
    champion: Champion | None = Field(default=None, description="Comparison with the version in service.")
