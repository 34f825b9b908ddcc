"""Whether the candidate's scores are distributed unlike the stable version's."""

from __future__ import annotations

from churn_operator.core.analysis.evidence import log_shift
from churn_operator.core.analysis.histograms import grouped, stability_index
from churn_operator.core.analysis.samples import Histogram, Traffic, TrafficSample
from churn_operator.core.analysis.setting import Setting, judged, too_few
from churn_operator.core.analysis.verdicts import CheckResult
from churn_operator.core.analysis.windows import Distributions, distributions

MOST_BINS = 10
"""Bins of scores, as is customary for the population stability index."""


def score_shift(traffic: Traffic, setting: Setting) -> CheckResult:
    """The population stability index of both versions' scores in the same windows, less what chance gives.

    `setting.maximum` is the index that is still good. The evidence is that of `evidence.log_shift` on which version
    each score came from, given its bin. Scores of one request may be alike, so a request counts once however
    many instances it carries: the likelihood ratio is raised to the power of requests over instances, at most 1, and by
    Jensen's inequality remains evidence.
    """
    scores = distributions([_by_request(each) for each in traffic])
    few = too_few(setting, "scores in common buckets", scores.candidate_size, scores.stable_size)
    if few is not None:
        return few
    value, bins = stability_index(
        scores.stable.counts, scores.candidate.counts, scores.effective_size, scores.candidate_size
    )
    sentence = (
        f"the population stability index of {scores.candidate_size:.0f} scores of the candidate against "
        f"{scores.stable_size:.0f} of the stable version in {bins} bins is {value:.3f} beyond chance, "
        f"where {setting.maximum:.3g} is still good"
    )
    return judged(setting, value, _log_shifted(scores), scores.candidate_size, sentence)


def _by_request(window: TrafficSample) -> tuple[Histogram, Histogram]:
    stable, candidate = window.stable.scores, window.candidate.scores
    instances = stable.total + candidate.total
    weight = min(1.0, (window.stable.requests + window.candidate.requests) / (instances or 1.0))
    stable, candidate = stable.scaled(weight), candidate.scaled(weight)
    if stable.bounds != candidate.bounds:
        return stable, candidate
    bounds = grouped(stable.bounds, MOST_BINS)
    return stable.at(bounds), candidate.at(bounds)


def _log_shifted(scores: Distributions) -> float:
    bins = range(len(scores.candidate.bounds))
    return log_shift(
        [
            scores.splits(
                [candidate.counts[place] for _, candidate in scores.pairs],
                [stable.counts[place] for stable, _ in scores.pairs],
            )
            for place in bins
        ]
    )
