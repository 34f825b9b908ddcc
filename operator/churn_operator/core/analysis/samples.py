"""What is seen of live traffic. All counts may be fractions: Prometheus extrapolates increases."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate


def _refuse_negative(counts: Iterable[float], what: str) -> None:
    if not all(math.isfinite(count) and count >= 0 for count in counts):
        raise ValueError(f"{what} must be finite and not negative")


@dataclass(frozen=True)
class Histogram:
    """Observations by bucket, each counted once (not cumulative as Prometheus exports them).

    Attributes:
        bounds: inclusive upper bounds, ascending; the last is infinite.
        counts: observations by bucket, as many as bounds.
    """

    bounds: tuple[float, ...]
    counts: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raises ValueError for bounds that do not ascend to infinity, or counts that do not fit them."""
        ascending = all(low < high for low, high in zip(self.bounds, self.bounds[1:], strict=False))
        if not self.bounds or self.bounds[-1] != math.inf or not ascending:
            raise ValueError(f"bounds must ascend to infinity, not {self.bounds}")
        if len(self.counts) != len(self.bounds):
            raise ValueError(f"{len(self.bounds)} buckets need as many counts, not {len(self.counts)}")
        _refuse_negative(self.counts, "counts of a histogram")

    @property
    def total(self) -> float:
        """Number of observations."""
        return sum(self.counts)

    def above(self, bound: float) -> float:
        """Observations greater than `bound`, which must be one of the bounds."""
        return sum(self.counts[self.bounds.index(bound) + 1 :])

    def at(self, bounds: tuple[float, ...]) -> Histogram:
        """The same observations in wider buckets; `bounds` must be among this histogram's and end with infinity."""
        cumulative = dict(zip(self.bounds, accumulate(self.counts), strict=True))
        heights = [cumulative[bound] for bound in bounds]
        steps = zip([0.0, *heights[:-1]], heights, strict=True)
        return Histogram(bounds, tuple(max(high - low, 0.0) for low, high in steps))

    def scaled(self, factor: float) -> Histogram:
        """Every count times `factor`."""
        return Histogram(self.bounds, tuple(count * factor for count in self.counts))


EMPTY = Histogram((math.inf,), (0.0,))
"""A histogram of nothing, for a version that exports none."""


@dataclass(frozen=True)
class VersionSample:
    """One version's answers in one window.

    Attributes:
        requests: prediction requests it answered, whatever the status code.
        errors: those it answered with an error of its own (reason Internal), not with a refusal of bad input.
        latency: seconds from a request's headers to its answer.
        scores: predicted probability of the positive class, one an instance: a request may carry many.
    """

    requests: float
    errors: float
    latency: Histogram = EMPTY
    scores: Histogram = EMPTY

    def __post_init__(self) -> None:
        """Raises ValueError for counts that are negative or not finite."""
        _refuse_negative((self.requests, self.errors), "requests and errors")


@dataclass(frozen=True)
class Comparisons:
    """Mirrored requests in one window, and how the candidate's answers compare with the stable version's.

    Attributes:
        copies: mirrored requests that the candidate answered, whatever the status code.
        compared: those to which both versions gave a prediction.
        differing: of these, those with different classes; one with several customers counts by the share of them.
        failures: those that could not be compared, by reason.
    """

    copies: float
    compared: float
    differing: float
    failures: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for counts that are negative or not finite."""
        failed = (count for _, count in self.failures)
        _refuse_negative((self.copies, self.compared, self.differing, *failed), "mirrored requests")


@dataclass(frozen=True)
class TrafficSample:
    """Both versions in one window of time in which the traffic's split did not change.

    Attributes:
        stable: the version in service.
        candidate: the version on its way into service.
        comparisons: of their answers to mirrored requests, where these are compared.
    """

    stable: VersionSample
    candidate: VersionSample
    comparisons: Comparisons | None = None


Traffic = tuple[TrafficSample, ...]
"""Everything seen since the candidate first had traffic: one sample a window of constant split, i.e. a step.

Versions are compared within windows only. Were windows of 10 % and of 50 % pooled, an incident that hits both
versions alike during the second would count against the candidate, which has more of its requests there.
"""


@dataclass(frozen=True)
class Measurement:
    """What a user's own PromQL template gave; `value` is None if it gave no value, or one that is no number."""

    name: str
    value: float | None


@dataclass(frozen=True)
class Unavailable:
    """Why nothing could be measured, e.g. that Prometheus is out of reach."""

    message: str
