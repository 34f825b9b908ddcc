"""The gate: what a model must show on the frozen holdout before it may serve."""

from __future__ import annotations

import math
from collections.abc import Mapping

from churn_operator.api.v1alpha1.evaluation import Evaluation
from churn_operator.api.v1alpha1.status import GateResult


def verdict(evaluation: Evaluation, metrics: Mapping[str, float]) -> tuple[GateResult, ...]:
    """One result a metric with a threshold, by metric name. A metric that the report lacks, or that is not
    a finite number, fails: what was not measured was not shown."""
    names = sorted({*evaluation.minimums, *evaluation.maximums})
    return tuple(_result(name, evaluation, metrics.get(name)) for name in names)


def passed(results: tuple[GateResult, ...]) -> bool:
    """Whether no threshold was missed."""
    return all(result.passed for result in results)


def explanation(results: tuple[GateResult, ...]) -> str:
    """Why the gate was not passed, as a sentence with value and threshold of each miss."""
    return "; ".join(_miss(result) for result in results if not result.passed)


def _result(name: str, evaluation: Evaluation, value: float | None) -> GateResult:
    least, most = evaluation.minimums.get(name), evaluation.maximums.get(name)
    within = (
        value is not None
        and math.isfinite(value)
        and (least is None or value >= least)
        and (most is None or value <= most)
    )
    shown = value if value is not None and math.isfinite(value) else None
    return GateResult(metric=name, value=shown, minimum=least, maximum=most, passed=within)


def _miss(result: GateResult) -> str:
    if result.value is None:
        return f"{result.metric} is not in the report"
    if result.minimum is not None and result.value < result.minimum:
        return f"{result.metric} is {result.value:.4f}, below its minimum {result.minimum:g}"
    return f"{result.metric} is {result.value:.4f}, above its maximum {result.maximum:g}"
