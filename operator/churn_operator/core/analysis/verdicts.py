"""Verdicts of single checks, and of all together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from churn_operator.api.v1alpha1.status import Verdict

_SEVERITY = (Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAILED)


class Reason(StrEnum):
    """Why a check has its verdict."""

    WITHIN_THRESHOLD = "WithinThreshold"
    THRESHOLD_EXCEEDED = "ThresholdExceeded"
    TOO_FEW_REQUESTS = "TooFewRequests"
    MAY_BE_CHANCE = "MayBeChance"
    NO_VALUE = "NoValue"
    NOTHING_MIRRORED = "NothingMirrored"
    NOTHING_COMPARED = "NothingCompared"
    UNAVAILABLE = "Unavailable"
    UNKNOWN_CHECK = "UnknownCheck"


@dataclass(frozen=True)
class CheckResult:
    """What one check found.

    Attributes:
        name: of the check, as in spec.
        verdict: Failed only if `value` is beyond `threshold` and chance does not explain it; Passed if enough was
            seen and `value` is within; Inconclusive if too little was seen, or if `value` is beyond but may be
            chance; Error if the check could not be made.
        reason: CamelCase reason.
        value: the observed effect, finite; None if nothing could be observed.
        threshold: the value that is still good.
        samples: observations of the candidate that `value` rests on.
        message: a sentence with both numbers.
        p_value: anytime-valid; None for a check without a test.
    """

    name: str
    verdict: Verdict
    reason: Reason
    value: float | None
    threshold: float | None
    samples: int
    message: str
    p_value: float | None = None


def total(results: Iterable[CheckResult]) -> Verdict:
    """One verdict for all: Failed outweighs Error, that Inconclusive, and that Passed. Nothing checked is Passed.

    A check that can be made no more, since nothing is mirrored, has no part in it.
    """
    made = (result.verdict for result in results if result.reason is not Reason.NOTHING_MIRRORED)
    return max(made, key=_SEVERITY.index, default=Verdict.PASSED)
