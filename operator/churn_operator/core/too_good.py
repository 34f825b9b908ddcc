"""The alarm for a model that is too good to be true."""

from __future__ import annotations

import math
from collections.abc import Mapping

from churn_operator.api.v1alpha1.evaluation import TooGood
from churn_operator.api.v1alpha1.status import GateCheck, GateResult


def judge_too_good(spec: TooGood, metrics: Mapping[str, float]) -> GateResult:
    """Blocks a metric above the value that honest models reach; one that the report lacks, or that is no finite
    number, cannot be trusted either."""
    metric = spec.metric.value
    value = metrics.get(metric)
    if value is None or not math.isfinite(value):
        return _result(spec, None, False, "MetricMissing", f"{metric} is not in the report")
    if value > spec.above:
        return _result(spec, value, False, "LeakageSuspected", _explanation(metric, value, spec.above))
    message = f"{metric} is {value:.4f}, not above {spec.above:g}, beyond which it would be too good to be true"
    return _result(spec, value, True, "Plausible", message)


def _explanation(metric: str, value: float, above: float) -> str:
    return (
        f"{metric} is {value:.4f}, above {above:g}: too good to be true. Most often the target leaks: a column is "
        "filled in only once a customer has left (a closing date, a final bill, a reason for leaving), the same "
        "customer is in both training and holdout rows, or rows were resampled before the split. Remove such columns "
        "or rows; if the model really is that good, raise evaluation.tooGood.above"
    )


def _result(spec: TooGood, value: float | None, passed: bool, reason: str, message: str) -> GateResult:
    return GateResult(
        metric=spec.metric.value,
        check=GateCheck.TOO_GOOD,
        value=value,
        maximum=spec.above,
        passed=passed,
        reason=reason,
        message=message,
    )
