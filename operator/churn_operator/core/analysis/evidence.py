"""Evidence that may be looked at as often as one likes: mixture likelihood ratios of counts.

Take the requests of one kind, say those that ended in an error. If the candidate is no worse than the stable version,
each of them came from the candidate with the probability `share` with which requests are routed to it, whatever
the error rate is at that moment and however it changes. Against that stands the alternative that the candidate
yields them `ratio` times as often, and so with probability ratio*share / (1 + share*(ratio - 1)). The likelihood
ratio of the two, multiplied over the requests, is a nonnegative martingale with mean 1 under the null hypothesis, and
so is a mixture of such ratios over alternatives. By Ville's inequality it ever reaches 1/alpha with a
probability of at most alpha: over all looks together, at any times, without a number of looks planned ahead, and
without state but the counts. 1/evidence is an anytime-valid p-value.

Sources:
    Ville, Étude critique de la notion de collectif, 1939 (the inequality).
    Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics 41,
    1970 (mixtures).
    Lindon and Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022, arXiv:2011.03567
    (counts of two arms conditional on their total, with rates that vary in time).
    Lindon, Sanden and Shirikian, Rapid regression detection in software deployments through sequential testing,
    KDD 2022, arXiv:2205.14762 (for canaries).
    Ramdas, Grünwald, Vovk and Shafer, Game-theoretic statistics and safe anytime-valid inference, Statistical
    Science 38, 2023 (averages and products of such processes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_EXCESS = {
    1.01: 0.05, 1.03: 0.05, 1.1: 0.05, 1.25: 0.05,
    1.5: 0.1, 2.0: 0.2, 3.0: 0.1, 5.0: 0.1, 10.0: 0.1, 30.0: 0.1, 100.0: 0.1,
}  # fmt: skip
"""How many times as often the candidate may yield what is bad, with the weight of each. A true ratio is found in the
end if it is above the square root of the least; slight ones matter where errors are frequent, and weigh little."""

_SHIFT = {
    0.125: 0.04, 0.25: 0.04, 0.5: 0.04, 0.7: 0.04, 0.85: 0.04, 0.95: 0.04, 1.0: 0.52,
    1.05: 0.04, 1.18: 0.04, 1.4: 0.04, 2.0: 0.04, 4.0: 0.04, 8.0: 0.04,
}  # fmt: skip
"""How many times as often the candidate may yield what is merely different, with the weight of each."""


@dataclass(frozen=True)
class Split:
    """Requests of one kind in one window: how many there were, how many were the candidate's, and how many of all
    requests went to it.

    Attributes:
        candidate: those the candidate answered.
        total: those of both versions, at least `candidate`.
        share: the candidate's share of all requests in the window, above 0 and below 1.
    """

    candidate: float
    total: float
    share: float


def log_likelihood_ratio(splits: Sequence[Split], ratio: float) -> float:
    """ln of the likelihood that the candidate yields them `ratio` times as often, over that of equally often."""
    return sum(
        split.candidate * math.log(ratio) - split.total * math.log1p(split.share * (ratio - 1)) for split in splits
    )


def log_excess(splits: Sequence[Split]) -> float:
    """ln of the evidence that the candidate yields them more often. Less often is never held against it."""
    return log_sum([math.log(weight) + log_likelihood_ratio(splits, ratio) for ratio, weight in _EXCESS.items()])


def log_shift(kinds: Sequence[Sequence[Split]]) -> float:
    """ln of the evidence that the candidate yields some of the kinds more often, or less.

    `kinds` has a sequence of splits, one a window, for each of the kinds that every request is one of. Given its kind,
    each request is an independent draw of the version, so the kinds' mixtures multiply.
    """
    return sum(_log_shift_of(splits) for splits in kinds)


def _log_shift_of(splits: Sequence[Split]) -> float:
    return log_sum([math.log(weight) + log_likelihood_ratio(splits, ratio) for ratio, weight in _SHIFT.items()])


def log_above(events: float, trials: float, rate: float) -> float:
    """ln of the evidence that events have a probability above `rate`, from `events` of `trials`.

    Binomial likelihood ratios against `rate`, for odds that are higher by the ratios of `log_excess`. A `rate` of 0
    is tested as one in a million, and one of 1 or more is never exceeded.
    """
    if rate >= 1:
        return 0.0
    rate = max(rate, 1e-6)
    return log_sum(
        [
            # The binomial likelihood ratio of odds*ratio against odds.
            math.log(weight) + events * math.log(ratio) - trials * math.log1p(rate * (ratio - 1))
            for ratio, weight in _EXCESS.items()
        ]
    )


def log_sum(logarithms: Sequence[float]) -> float:
    """ln of the sum of the exponentials; at least one is needed."""
    greatest = max(logarithms)
    return greatest + math.log(sum(math.exp(value - greatest) for value in logarithms))


def log_mean(logarithms: Sequence[float]) -> float:
    """ln of the mean of the exponentials; at least one is needed."""
    return log_sum(logarithms) - math.log(len(logarithms))


def p_value(log_evidence: float) -> float:
    """The anytime-valid p-value: 1/evidence, at most 1."""
    return math.exp(-max(log_evidence, 0.0))
