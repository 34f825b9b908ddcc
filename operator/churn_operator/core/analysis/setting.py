"""What the built-in checks share: how a test is set, and how its verdict follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from churn_operator.api.v1alpha1.status import Verdict
from churn_operator.core.analysis.evidence import p_value
from churn_operator.core.analysis.verdicts import CheckResult, Reason


@dataclass(frozen=True)
class Setting:
    """How one built-in check is set.

    Attributes:
        name: of the check.
        maximum: the effect that is still good.
        min_requests: below this many observations of either version the verdict is Inconclusive; above 0.
        alpha: probability of ever failing a candidate that is as good as the stable version, above 0 and below 1.
    """

    name: str
    maximum: float
    min_requests: float
    alpha: float


def judged(setting: Setting, value: float, log_evidence: float, samples: float, sentence: str) -> CheckResult:
    """The verdict on an effect that enough was seen of.

    Failed takes both: an effect beyond the maximum, and evidence of at least 1/alpha that there is one at all. So a
    real but harmless effect passes, however many requests prove it, and a large one that may be chance is
    Inconclusive until more requests settle it.
    """
    within = value <= setting.maximum
    proven = log_evidence >= -math.log(setting.alpha)
    chance = p_value(log_evidence)
    match within, proven:
        case True, _:
            verdict, reason, rest = Verdict.PASSED, Reason.WITHIN_THRESHOLD, ""
        case False, True:
            verdict, reason, rest = Verdict.FAILED, Reason.THRESHOLD_EXCEEDED, f" (p {chance:.2g})"
        case _:
            verdict, reason = Verdict.INCONCLUSIVE, Reason.MAY_BE_CHANCE
            rest = f", but on {samples:.0f} observations that may be chance (p {chance:.2g})"
    return CheckResult(
        setting.name, verdict, reason, value, setting.maximum, round(samples), f"{sentence}{rest}", chance
    )


def too_few(setting: Setting, what: str, candidate: float, stable: float) -> CheckResult | None:
    """Inconclusive if either version has fewer observations than are needed; None if there are enough."""
    if min(candidate, stable) >= setting.min_requests:
        return None
    message = (
        f"{candidate:.0f} {what} of the candidate and {stable:.0f} of the stable version were seen, "
        f"and {setting.min_requests:.0f} of each are needed"
    )
    return inconclusive(setting, Reason.TOO_FEW_REQUESTS, candidate, message)


def inconclusive(setting: Setting, reason: Reason, samples: float, message: str) -> CheckResult:
    """Inconclusive, without a value."""
    return CheckResult(setting.name, Verdict.INCONCLUSIVE, reason, None, setting.maximum, round(samples), message)
