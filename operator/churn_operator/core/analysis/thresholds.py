"""The built-in checks by name, with the values that are still good unless spec says otherwise."""

from __future__ import annotations

from enum import StrEnum

from churn_operator.api.v1alpha1.rollout import Check

FALSE_ALARM = 0.05
"""Greatest probability that any built-in check ever fails a candidate equal to the stable version."""


class BuiltIn(StrEnum):
    """The built-in checks."""

    ERROR_RATIO = "errorRatio"
    LATENCY_QUANTILE = "latencyQuantile"
    SCORE_SHIFT = "scoreShift"
    DISAGREEMENT = "disagreement"


DEFAULT_MAXIMUM = {
    BuiltIn.ERROR_RATIO: 0.005,
    BuiltIn.LATENCY_QUANTILE: 1.5,
    BuiltIn.SCORE_SHIFT: 0.2,
    BuiltIn.DISAGREEMENT: 0.1,
}
"""Half a percentage point more errors; the 95th percentile of latency times 1.5; a population stability index of 0.2,
between the customary 0.1 (slight) and 0.25 (major); other classes for a tenth of the requests."""

DEFAULT_CHECKS = tuple(
    Check(name=name, maximum=DEFAULT_MAXIMUM[name])
    for name in (BuiltIn.ERROR_RATIO, BuiltIn.LATENCY_QUANTILE, BuiltIn.SCORE_SHIFT)
)
"""The checks that are made when spec has an analysis without checks."""
