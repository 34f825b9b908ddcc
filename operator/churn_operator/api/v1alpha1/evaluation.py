"""spec.evaluation: what a model must show on the frozen holdout before it may serve."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from churn_operator.api.v1alpha1.common import METRICS, SpecPart, rules

_NAMES = "[" + ", ".join(f"'{name}'" for name in METRICS) + "]"
_KNOWN_METRICS = rules(
    (
        f"self.all(metric, metric in {_NAMES})",
        f"unknown metric: use one of {', '.join(METRICS)}",
    )
)

MetricName = StrEnum("MetricName", {name: name for name in METRICS})  # type: ignore[misc]
Thresholds = Annotated[dict[str, float], Field(max_length=20)]


class TooGood(SpecPart):
    """An alarm for a metric that is too good to be true: most often a leaked target."""

    metric: MetricName = Field(default=MetricName("rocAuc"), description="The metric to watch.")
    above: float = Field(default=0.9, description="A value above this blocks the version.")


class Champion(SpecPart):
    """The version in service that a candidate must not fall behind (paired bootstrap, non-inferiority)."""

    metric: MetricName = Field(default=MetricName("rocAuc"), description="The metric to compare.")
    margin: Annotated[float, Field(ge=0, le=1)] = Field(default=0.005, description="How much worse is still accepted.")
    confidence: Annotated[float, Field(ge=0.5, le=0.999)] = Field(
        default=0.95, description="Confidence of the one-sided bound."
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

    minimums: Thresholds = Field(
        default={}, description="Least value by metric, e.g. rocAuc: 0.8.", json_schema_extra=_KNOWN_METRICS
    )
    maximums: Thresholds = Field(
        default={},
        description="Greatest value by metric, e.g. expectedCalibrationError: 0.05.",
        json_schema_extra=_KNOWN_METRICS,
    )
    too_good: TooGood | None = Field(default=None, description="Alarm for likely leakage.")
    champion: Champion | None = Field(default=None, description="Comparison with the version in service.")
