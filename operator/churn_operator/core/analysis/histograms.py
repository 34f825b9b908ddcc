"""Figures of histograms: a quantile, and the population stability index."""

from __future__ import annotations

import math
from collections.abc import Sequence

from churn_operator.core.analysis.samples import Histogram

LEAST_EXPECTED = 5.0
"""Observations a bin is expected to hold in either sample; a sparser one joins its neighbour (Cochran, 1954)."""


def quantile(histogram: Histogram, level: float) -> float:
    """The quantile by interpolation within its bucket, as Prometheus' histogram_quantile.

    The first bucket begins at 0; a quantile beyond the last finite bound is that bound. `histogram` must not be empty.
    """
    rank, below, low = level * histogram.total, 0.0, 0.0
    for bound, count in zip(histogram.bounds, histogram.counts, strict=True):
        if below + count >= rank and count > 0:
            return low if bound == math.inf else low + (bound - low) * (rank - below) / count
        below, low = below + count, low if bound == math.inf else bound
    return low


def grouped(bounds: tuple[float, ...], most: int) -> tuple[float, ...]:
    """At most `most` of the bounds, evenly spread by place; the last is kept. It does not depend on what was seen."""
    every = math.ceil(len(bounds) / most)
    return tuple(reversed(bounds[::-1][::every]))


def stability_index(
    stable: Sequence[float], candidate: Sequence[float], stable_size: float, candidate_size: float
) -> tuple[float, int]:
    """The population stability index of two samples' counts by bin, less what chance alone gives, and its bins.

    PSI = sum over bins of (q - p) ln(q / p), with p and q the samples' shares. Under the null hypothesis of one
    distribution, PSI * n*m/(n + m) tends to a chi-squared variable with bins - 1 degrees of freedom (Yurdakul and
    Naranjo, Statistical properties of the population stability index, Journal of Risk Model Validation 14, 2020), so
    small samples show (bins - 1)(1/n + 1/m) on average without any shift. That much is taken off; the rest is
    at least 0. n is `stable_size` and m `candidate_size`, both above 0; the counts may be weighted.
    """
    p, q = _merged(stable, candidate, min(stable_size, candidate_size))
    bins = len(p)
    shares = zip(_smooth(p, stable_size), _smooth(q, candidate_size), strict=True)
    index = math.fsum((y - x) * math.log(y / x) for x, y in shares)
    return max(index - (bins - 1) * (1 / stable_size + 1 / candidate_size), 0.0), bins


def _merged(stable: Sequence[float], candidate: Sequence[float], size: float) -> tuple[list[float], list[float]]:
    """Shares by bin, with neighbours joined until each is expected to hold LEAST_EXPECTED of `size`."""
    of_stable, of_candidate = math.fsum(stable), math.fsum(candidate)
    p, q, enough = [0.0], [0.0], True
    for x, y in zip(stable, candidate, strict=True):
        if enough and (p[-1] or q[-1]):
            p.append(0.0)
            q.append(0.0)
        p[-1] += x / of_stable
        q[-1] += y / of_candidate
        enough = (p[-1] + q[-1]) / 2 * size >= LEAST_EXPECTED
    if not enough and len(p) > 1:
        p[-2:], q[-2:] = [sum(p[-2:])], [sum(q[-2:])]
    return p, q


def _smooth(shares: Sequence[float], size: float) -> list[float]:
    """Shares with half an observation added to each bin, so that none is 0."""
    return [(share * size + 0.5) / (size + 0.5 * len(shares)) for share in shares]
