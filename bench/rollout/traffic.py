"""Simulated live traffic of two versions, counted as the model server counts it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from churn_operator.core.analysis import Histogram, TrafficSample, VersionSample
from scipy import stats

LATENCY_BOUNDS = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, math.inf,
)  # fmt: skip
SCORE_BOUNDS = (*(round(0.05 * step, 2) for step in range(1, 21)), math.inf)

Counts = np.ndarray[tuple[int], np.dtype[np.float64]]


def _shares(cumulative: Callable[[Counts], Counts], bounds: tuple[float, ...]) -> Counts:
    heights = np.append(cumulative(np.array(bounds[:-1])), 1.0)
    return np.diff(heights, prepend=0.0)


@dataclass(frozen=True)
class Behaviour:
    """How one version answers.

    Attributes:
        error_ratio: probability that a request ends in an error.
        slowness: factor on latency, which is log-normal with a median of 2 ms and a 95th percentile of 5.4 ms.
        score_shift: added to the log-odds of the scores, which have the mean (0.27) and spread of a churn model's.
    """

    error_ratio: float = 0.01
    slowness: float = 1.0
    score_shift: float = 0.0
    latency: Counts = field(init=False, repr=False, compare=False)
    scores: Counts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Probabilities by bucket."""
        latency = stats.lognorm(s=0.6, scale=0.002 * self.slowness)
        odds = stats.norm(loc=-1.4 + self.score_shift, scale=1.3)
        object.__setattr__(self, "latency", _shares(latency.cdf, LATENCY_BOUNDS))
        object.__setattr__(self, "scores", _shares(lambda bounds: odds.cdf(_log_odds(bounds)), SCORE_BOUNDS))


def _log_odds(share: Counts) -> Counts:
    inside = np.clip(share, 1e-12, 1 - 1e-12)
    return np.log(inside / (1 - inside))


@dataclass
class Live:
    """Traffic as it comes in: what each version has answered in each window of constant split so far."""

    stable: Behaviour
    candidate: Behaviour
    draw: np.random.Generator
    windows: list[TrafficSample] = field(default_factory=list)

    def shift(self) -> None:
        """Begin a window."""
        self.windows.append(TrafficSample(_nothing(), _nothing()))

    def pass_requests(self, requests: int, weight: int, trouble: float = 0.0) -> TrafficSample:
        """Route `requests` at random, `weight` percent to the candidate; answers what came in.

        `trouble` is added to both versions' error ratios, as by an outage of something both depend on.
        """
        of_candidate = int(self.draw.binomial(requests, weight / 100))
        new = TrafficSample(
            self._answered(self.stable, requests - of_candidate, trouble),
            self._answered(self.candidate, of_candidate, trouble),
        )
        self.windows[-1] = _plus(self.windows[-1], new)
        return new

    def _answered(self, version: Behaviour, requests: int, trouble: float) -> VersionSample:
        return VersionSample(
            requests=requests,
            errors=int(self.draw.binomial(requests, min(version.error_ratio + trouble, 1.0))),
            latency=Histogram(LATENCY_BOUNDS, tuple(self.draw.multinomial(requests, version.latency).tolist())),
            scores=Histogram(SCORE_BOUNDS, tuple(self.draw.multinomial(requests, version.scores).tolist())),
        )


def _nothing() -> VersionSample:
    return VersionSample(
        0, 0, Histogram(LATENCY_BOUNDS, (0,) * len(LATENCY_BOUNDS)), Histogram(SCORE_BOUNDS, (0,) * len(SCORE_BOUNDS))
    )


def _plus(window: TrafficSample, new: TrafficSample) -> TrafficSample:
    return replace(window, stable=_sum(window.stable, new.stable), candidate=_sum(window.candidate, new.candidate))


def _sum(one: VersionSample, other: VersionSample) -> VersionSample:
    return VersionSample(
        requests=one.requests + other.requests,
        errors=one.errors + other.errors,
        latency=_both(one.latency, other.latency),
        scores=_both(one.scores, other.scores),
    )


def _both(one: Histogram, other: Histogram) -> Histogram:
    return Histogram(one.bounds, tuple(a + b for a, b in zip(one.counts, other.counts, strict=True)))
