"""The candidate against the version in service, on the same frozen holdout rows."""

from __future__ import annotations

from churn_report import Comparison, MetricComparison

from churn_operator.api.v1alpha1.evaluation import Champion
from churn_operator.api.v1alpha1.status import GateCheck, GateResult

_ALIKE = 1e-9
"""Two confidences that differ by less are the same: one of them went through text."""


def judge_champion(spec: Champion, comparison: Comparison | None, champion_sha256: str | None) -> GateResult:
    """Non-inferior if, and only if, the one-sided lower confidence bound of the difference is at least -margin.

    The difference is candidate minus champion, turned for metrics that are better when lower; the trainer bounds it by
    a paired bootstrap over the holdout's rows. The rule is that of non-inferiority trials: Piaggio et al., Reporting
    of noninferiority and equivalence randomized trials, JAMA 308, 2012; the bootstrap is Efron and Tibshirani's, 1993.

    What cannot be compared does not pass, and says why. Without a champion there is nothing to fall behind.

    Args:
        spec: metric, margin and confidence.
        comparison: from the candidate's report.
        champion_sha256: digest of the model to compare with; None if there is none.
    """
    metric = spec.metric.value
    if champion_sha256 is None:
        return _result(spec, True, "NoChampion", f"no version is in service yet to compare {metric} with")
    if comparison is None:
        message = f"the run's report compares {metric} with no other version, as evaluation.champion asks"
        return _result(spec, False, "NotCompared", message)
    if comparison.unavailable is not None:
        message = f"{metric} cannot be compared with the version in service: {comparison.unavailable}"
        return _result(spec, False, "NotComparable", message)
    if comparison.champion_sha256 != champion_sha256:
        message = (
            f"{metric} was compared with model {comparison.champion_sha256[:12]}, "
            f"but {champion_sha256[:12]} is the champion"
        )
        return _result(spec, False, "OtherChampion", message)
    found = comparison.of(metric)
    if found is None:
        return _result(spec, False, "NotCompared", f"the run's report does not compare {metric}")
    if found.confidence < spec.confidence - _ALIKE:
        message = (
            f"{metric} was compared with a confidence of {found.confidence:g}, but {spec.confidence:g} is asked for"
        )
        return _result(spec, False, "ConfidenceTooLow", message)
    return _compared(spec, found, comparison.rows)


def _compared(spec: Champion, found: MetricComparison, rows: int) -> GateResult:
    passed = found.lower >= -spec.margin
    verdict = "no worse than the version in service" if passed else "possibly worse than the version in service"
    message = (
        f"{found.metric} is {found.candidate:.4f} against {found.champion:.4f} on the same {rows} rows, {verdict}: "
        f"the difference for the better is {found.difference:+.4f}, at least {found.lower:+.4f} with a confidence of "
        f"{found.confidence:g}, where {-spec.margin:+.4f} is accepted"
    )
    return GateResult(
        metric=found.metric,
        check=GateCheck.CHAMPION,
        value=found.difference,
        minimum=-spec.margin,
        lower=found.lower,
        upper=found.upper,
        confidence=found.confidence,
        passed=passed,
        reason=_reason(passed),
        message=message,
    )


def judge_once_more(spec: Champion, before: GateResult | None) -> GateResult:
    """The verdict that spec as it is now gives on a comparison made before, of which status kept one metric.

    Args:
        spec: metric, margin and confidence.
        before: the champion's verdict in status; None if there is none.
    """
    metric, again = spec.metric.value, "it is compared when it is trained again"
    if before is None or before.value is None or before.lower is None:
        return _result(spec, False, "NotCompared", f"{metric} was not compared with the version in service; {again}")
    if before.metric != metric:
        return _result(spec, False, "NotCompared", f"{before.metric} was compared, and not {metric}; {again}")
    if (before.confidence or 0.0) < spec.confidence - _ALIKE:
        message = f"{metric} was compared with less confidence than {spec.confidence:g}; {again}"
        return _result(spec, False, "ConfidenceTooLow", message)
    passed = before.lower >= -spec.margin
    message = (
        f"{metric} differs by {before.value:+.4f} for the better, at least {before.lower:+.4f} with a confidence of "
        f"{before.confidence:g}, where {-spec.margin:+.4f} is accepted"
    )
    changes = {"minimum": -spec.margin, "passed": passed, "reason": _reason(passed), "message": message}
    return before.model_copy(update=changes)


def _reason(passed: bool) -> str:
    return "NotInferior" if passed else "MayBeInferior"


def _result(spec: Champion, passed: bool, reason: str, message: str) -> GateResult:
    metric, margin = spec.metric.value, -spec.margin
    return GateResult(
        metric=metric, check=GateCheck.CHAMPION, minimum=margin, passed=passed, reason=reason, message=message
    )
