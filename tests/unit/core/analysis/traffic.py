"""Traffic made by hand, and drawn at random."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from churn_operator.core.analysis import Comparisons, Histogram, TrafficSample, VersionSample

LATENCY_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, math.inf)
SCORE_BOUNDS = tuple(round(0.1 * step, 1) for step in range(1, 11))


def counted(bounds: tuple[float, ...], values: Sequence[float]) -> Histogram:
    """The histogram of some values; an infinite bound is added if there is none."""
    bounds = bounds if bounds[-1] == math.inf else (*bounds, math.inf)
    counts = [0.0] * len(bounds)
    for value in values:
        counts[next(place for place, bound in enumerate(bounds) if value <= bound)] += 1
    return Histogram(bounds, tuple(counts))


def errors(
    candidate: tuple[float, float], stable: tuple[float, float], mirrored: tuple[float, float] | None = None
) -> TrafficSample:
    """A window of nothing but (errors, requests) of each, and (disagreements, mirrored requests)."""
    return TrafficSample(
        stable=VersionSample(requests=stable[1], errors=stable[0]),
        candidate=VersionSample(requests=candidate[1], errors=candidate[0]),
        comparisons=Comparisons(mirrored[1], mirrored[1], mirrored[0]) if mirrored else None,
    )


def drawn(
    draw: random.Random, requests: int, error_ratio: float = 0.0, slowness: float = 1.0, shift: float = 0.0
) -> VersionSample:
    """What a version answered to `requests` requests: log-normal latency around 2 ms, logit-normal scores."""
    log_odds = [draw.gauss(-1.4 + shift, 1.3) for _ in range(requests)]
    return VersionSample(
        requests=requests,
        errors=sum(draw.random() < error_ratio for _ in range(requests)),
        latency=counted(LATENCY_BOUNDS, [slowness * 0.002 * draw.lognormvariate(0, 0.6) for _ in range(requests)]),
        scores=counted(SCORE_BOUNDS, [1 / (1 + math.exp(-odds)) for odds in log_odds]),
    )
