"""Stable and candidate under the same conditions: the stable version's counts, weighted to the candidate's windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from churn_operator.core.analysis.evidence import Split
from churn_operator.core.analysis.samples import EMPTY, Histogram


@dataclass(frozen=True)
class Proportions:
    """How often something happened to each version, over windows in which both had requests.

    Attributes:
        candidate, stable: events over requests; the stable version's rates are averaged with the candidate's requests
            as weights (direct standardization: Rothman, Greenland and Lash, Modern Epidemiology, chapter 15).
        candidate_size, stable_size: requests.
        splits: the events by window.
    """

    candidate: float
    stable: float
    candidate_size: float
    stable_size: float
    splits: tuple[Split, ...]


@dataclass(frozen=True)
class Distributions:
    """Histograms of both versions over windows in which both had observations, with the same bounds.

    Attributes:
        candidate: the candidate's observations.
        stable: the stable version's, weighted window by window to as many as the candidate's.
        candidate_size, stable_size: observations, unweighted.
        effective_size: how many unweighted observations would vary as much as the stable version's weighted ones
            (Kish, Survey Sampling, 1965).
        pairs: (stable, candidate) by window, unweighted.
    """

    candidate: Histogram
    stable: Histogram
    candidate_size: float
    stable_size: float
    effective_size: float
    pairs: tuple[tuple[Histogram, Histogram], ...]

    def splits(self, candidate: Sequence[float], stable: Sequence[float]) -> tuple[Split, ...]:
        """Splits of one kind of observation from its counts by window."""
        counts = zip(self.pairs, candidate, stable, strict=True)
        return tuple(Split(of_c, of_c + of_s, _share(c.total, s.total)) for (s, c), of_c, of_s in counts)


def proportions(windows: Sequence[tuple[float, float, float, float]]) -> Proportions:
    """From (candidate's events, its requests, stable's events, its requests) by window.

    More events than requests, as two counters scraped a moment apart may show, count as all of them.
    """
    shared = [
        (min(events, requests), requests, min(base_events, base), base)
        for events, requests, base_events, base in windows
        if requests > 0 and base > 0
    ]
    size = math.fsum(requests for _, requests, _, _ in shared)
    return Proportions(
        candidate=math.fsum(events for events, _, _, _ in shared) / (size or 1.0),
        stable=math.fsum(base_events / base * requests for _, requests, base_events, base in shared) / (size or 1.0),
        candidate_size=size,
        stable_size=math.fsum(base for _, _, _, base in shared),
        splits=tuple(
            Split(events, events + base_events, _share(requests, base))
            for events, requests, base_events, base in shared
        ),
    )


def distributions(pairs: Sequence[tuple[Histogram, Histogram]]) -> Distributions:
    """From (stable, candidate) by window; empty if they have no window, or no finite bound, in common."""
    shared = [(stable, candidate) for stable, candidate in pairs if stable.total > 0 and candidate.total > 0]
    every = [frozenset(histogram.bounds) for pair in shared for histogram in pair]
    bounds = tuple(sorted(frozenset.intersection(*every))) if every else ()
    if len(bounds) < 2:
        return Distributions(EMPTY, EMPTY, 0.0, 0.0, 0.0, ())
    aligned = tuple((stable.at(bounds), candidate.at(bounds)) for stable, candidate in shared)
    size = sum(candidate.total for _, candidate in aligned)
    return Distributions(
        candidate=_sum([candidate for _, candidate in aligned]),
        stable=_sum([stable.scaled(candidate.total / stable.total) for stable, candidate in aligned]),
        candidate_size=size,
        stable_size=math.fsum(stable.total for stable, _ in aligned),
        effective_size=size**2 / math.fsum(candidate.total**2 / stable.total for stable, candidate in aligned),
        pairs=aligned,
    )


def _share(candidate: float, stable: float) -> float:
    return candidate / (candidate + stable)


def _sum(histograms: Sequence[Histogram]) -> Histogram:
    counts = zip(*(histogram.counts for histogram in histograms), strict=True)
    return Histogram(histograms[0].bounds, tuple(map(math.fsum, counts)))
