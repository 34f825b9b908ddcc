"""One look at live traffic: every check of spec, and the verdict over all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from churn_operator.api.v1alpha1.rollout import Analysis, Check
from churn_operator.api.v1alpha1.status import Verdict
from churn_operator.core.analysis.disagreement import disagreement
from churn_operator.core.analysis.error_ratio import error_ratio
from churn_operator.core.analysis.latency_quantile import latency_quantile
from churn_operator.core.analysis.measured import measured
from churn_operator.core.analysis.samples import Measurement, Traffic, Unavailable
from churn_operator.core.analysis.score_shift import score_shift
from churn_operator.core.analysis.setting import Setting
from churn_operator.core.analysis.thresholds import DEFAULT_CHECKS, DEFAULT_MAXIMUM, FALSE_ALARM, BuiltIn
from churn_operator.core.analysis.verdicts import CheckResult, Reason, total


@dataclass(frozen=True)
class Look:
    """What was found at one moment."""

    verdict: Verdict
    results: tuple[CheckResult, ...]

    @property
    def message(self) -> str:
        """Why the verdict is what it is: the sentences of the checks that have it."""
        return "; ".join(f"{each.name}: {each.message}" for each in self.results if each.verdict is self.verdict)


def look_at(
    analysis: Analysis,
    traffic: Traffic | Unavailable,
    measurements: Mapping[str, Measurement | Unavailable],
    false_alarm: float = FALSE_ALARM,
) -> Look:
    """Make every check of `analysis`, or DEFAULT_CHECKS if it names none.

    Args:
        analysis: as in spec.
        traffic: all there was since the candidate first had traffic, by window of constant split.
        measurements: of the user's own queries, by name of check.
        false_alarm: probability that the built-in checks together ever fail a candidate equal to the stable version,
            over all looks of the rollout. Each check gets an equal part of it (Bonferroni).
    """
    checks = analysis.checks or DEFAULT_CHECKS
    built_in = sum(check.query is None for check in checks)
    alpha = false_alarm / max(built_in, 1)
    results = tuple(
        _built_in(check, traffic, analysis.min_requests, alpha)
        if check.query is None
        else _own(check, traffic, measurements.get(check.name), analysis.min_requests)
        for check in checks
    )
    return Look(total(results), results)


def _built_in(check: Check, traffic: Traffic | Unavailable, min_requests: int, alpha: float) -> CheckResult:
    if check.name not in frozenset(BuiltIn):
        message = f"there is no built-in check of this name: use one of {', '.join(BuiltIn)}, or give it a query"
        return CheckResult(check.name, Verdict.ERROR, Reason.UNKNOWN_CHECK, None, check.maximum, 0, message)
    kind = BuiltIn(check.name)
    maximum = check.maximum if check.maximum is not None else DEFAULT_MAXIMUM[kind]
    if isinstance(traffic, Unavailable):
        return _unavailable(check.name, maximum, traffic)
    setting = Setting(check.name, maximum, min_requests, alpha)
    match kind:
        case BuiltIn.ERROR_RATIO:
            return error_ratio(traffic, setting)
        case BuiltIn.LATENCY_QUANTILE:
            return latency_quantile(traffic, setting)
        case BuiltIn.SCORE_SHIFT:
            return score_shift(traffic, setting)
        case BuiltIn.DISAGREEMENT:
            return disagreement(traffic, setting)


def _own(
    check: Check, traffic: Traffic | Unavailable, measurement: Measurement | Unavailable | None, min_requests: int
) -> CheckResult:
    bound = check.maximum if check.maximum is not None else check.minimum
    if isinstance(measurement, Unavailable):
        return _unavailable(check.name, bound, measurement)
    if isinstance(traffic, Unavailable):
        return _unavailable(check.name, bound, traffic)
    requests = math.fsum(each.candidate.requests for each in traffic)
    if requests < min_requests:
        message = f"{requests:.0f} requests of the candidate were seen, and {min_requests} are needed"
        few = Reason.TOO_FEW_REQUESTS
        return CheckResult(check.name, Verdict.INCONCLUSIVE, few, None, bound, round(requests), message)
    return measured(check, measurement, round(requests))


def _unavailable(name: str, bound: float | None, why: Unavailable) -> CheckResult:
    return CheckResult(name, Verdict.ERROR, Reason.UNAVAILABLE, None, bound, 0, why.message)
