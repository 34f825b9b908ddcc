"""The candidate against the version in service, on the same frozen holdout rows."""

from __future__ import annotations

from churn_report import Comparison, MetricComparison

from churn_operator.api.v1alpha1.evaluation import Champion
from churn_operator.api.v1alpha1.status import GateCheck, GateResult


def judge_champion(spec: Champion, comparison: Comparison | None, champion_sha256: str | None) -> GateResult:
    """Non-inferior if, and only if, the one-sided lower confidence bound of the difference is at least -margin.

    The difference is candidate minus champion, turned for metrics that are better when lower; the trainer bounds it by
    a paired bootstrap over the holdout's rows. The rule is that of non-inferiority trials: Piaggio et al., Reporting
    of noninferiority and equivalence randomized trials, JAMA 308, 2012; the bootstrap is Efron and Tibshirani's, 1993.

    What cannot be compared does not pass, and says why. Without a champion there is nothing to fall behind.

    Args:
        spec: metric, margin and confidence.
        comparison: from the candidate's report.
        champion_sha256: digest of the model in service; None if there is none yet.
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
            f"but {champion_sha256[:12]} is in service by now"
        )
        return _result(spec, False, "ChampionChanged", message)
    found = comparison.of(metric)
    if found is None:
        return _result(spec, False, "NotCompared", f"the run's report does not compare {metric}")
    if found.confidence < spec.confidence - 1e-9:
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
        passed=passed,
        reason="NotInferior" if passed else "MayBeInferior",
        message=message,
    )


def _result(spec: Champion, passed: bool, reason: str, message: str) -> GateResult:
    metric, margin = spec.metric.value, -spec.margin
    return GateResult(
        metric=metric, check=GateCheck.CHAMPION, minimum=margin, passed=passed, reason=reason, message=message
    )
