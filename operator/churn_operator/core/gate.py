"""The gate: what a model must show on the frozen holdout before it may serve."""

from __future__ import annotations

import math
from collections.abc import Mapping

from churn_operator.api.v1alpha1.evaluation import Evaluation
from churn_operator.api.v1alpha1.status import GateCheck, GateResult
from churn_operator.core.too_good import judge_too_good


def verdict(
    evaluation: Evaluation, metrics: Mapping[str, float], champion: GateResult | None = None
) -> tuple[GateResult, ...]:
    """One result a metric with a threshold, by metric name; then the alarm for a leaked target, and the verdict
    against the champion, if spec asks for them. A metric that the report lacks, or that is not a finite number, fails:
    what was not measured was not shown."""
    names = sorted({*evaluation.minimums, *evaluation.maximums})
    results = [_result(name, evaluation, metrics.get(name)) for name in names]
    if evaluation.too_good is not None:
        results.append(judge_too_good(evaluation.too_good, metrics))
    return (*results, champion) if champion is not None else tuple(results)


def passed(results: tuple[GateResult, ...]) -> bool:
    """Whether nothing was missed."""
    return all(result.passed for result in results)


def not_compared(results: tuple[GateResult, ...]) -> bool:
    """Whether all that is missing is a comparison with the champion, which only another training can make."""
    failed = [result for result in results if not result.passed]
    return bool(failed) and all(result.check is GateCheck.CHAMPION and result.lower is None for result in failed)


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
    if result.message is not None:
        return result.message
    if result.value is None:
        return f"{result.metric} is not in the report"
    if result.minimum is not None and result.value < result.minimum:
        return f"{result.metric} is {result.value:.4f}, below its minimum {result.minimum:g}"
    return f"{result.metric} is {result.value:.4f}, above its maximum {result.maximum:g}"
