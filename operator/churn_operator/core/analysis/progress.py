"""From look to look: what is remembered in status, and what it leads to."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from churn_operator.api.v1alpha1.rollout import Analysis, OnInconclusive
from churn_operator.api.v1alpha1.status import AnalysisStatus, CheckStatus, Verdict
from churn_operator.core.analysis.look import Look
from churn_operator.core.analysis.verdicts import CheckResult
from churn_operator.core.sentences import shortened


class Conclusion(StrEnum):
    """What the analysis leads to."""

    ROLL_BACK = "RollBack"
    WAIT = "Wait"
    PROCEED = "Proceed"


def remembered(before: AnalysisStatus | None, look: Look, now: datetime) -> AnalysisStatus:
    """The status after one more look. `before` is None at the first look of a rollout."""
    return AnalysisStatus(
        verdict=look.verdict,
        checks=tuple(_status(result) for result in look.results),
        looks=(before.looks if before else 0) + 1,
        failed=(before.failed if before else 0) + (look.verdict is Verdict.FAILED),
        inconclusive_since=_since(before.inconclusive_since if before else None, look, Verdict.INCONCLUSIVE, now),
        error_since=_since(before.error_since if before else None, look, Verdict.ERROR, now),
        last_run=now,
    )


def conclusion(analysis: Analysis, status: AnalysisStatus | None, baked: bool) -> Conclusion:
    """What follows for the rollout's step.

    As many failed looks as failureLimit roll back at any time. Otherwise a step lasts at least until it has `baked`,
    and then goes on if the last look passed; if that was Inconclusive, onInconclusive decides. An Error neither rolls
    back nor goes on: nothing was learnt of the candidate.
    """
    if status is None:
        return Conclusion.WAIT
    if status.failed >= analysis.failure_limit:
        return Conclusion.ROLL_BACK
    if not baked:
        return Conclusion.WAIT
    match status.verdict:
        case Verdict.PASSED:
            return Conclusion.PROCEED
        case Verdict.FAILED | Verdict.ERROR:
            return Conclusion.WAIT
        case Verdict.INCONCLUSIVE:
            return _undecided(analysis.on_inconclusive)


def _undecided(wish: OnInconclusive) -> Conclusion:
    match wish:
        case OnInconclusive.HOLD:
            return Conclusion.WAIT
        case OnInconclusive.PROMOTE:
            return Conclusion.PROCEED
        case OnInconclusive.ROLLBACK:
            return Conclusion.ROLL_BACK


def _since(before: datetime | None, look: Look, verdict: Verdict, now: datetime) -> datetime | None:
    return (before or now) if look.verdict is verdict else None


def _status(result: CheckResult) -> CheckStatus:
    return CheckStatus(
        name=result.name,
        verdict=result.verdict,
        reason=result.reason,
        value=_rounded(result.value),
        threshold=result.threshold,
        samples=result.samples,
        p_value=_rounded(result.p_value),
        message=shortened(result.message),
    )


def _rounded(number: float | None) -> float | None:
    """Six significant digits: more tell nothing, and would not be read back alike from every encoding."""
    return None if number is None else float(f"{number:.6g}")
