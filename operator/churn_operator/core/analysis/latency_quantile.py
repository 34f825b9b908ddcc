"""Whether the candidate is slower than the stable version."""

from __future__ import annotations

from churn_operator.core.analysis.evidence import log_excess, log_mean
from churn_operator.core.analysis.histograms import quantile
from churn_operator.core.analysis.samples import Traffic
from churn_operator.core.analysis.setting import Setting, judged, too_few
from churn_operator.core.analysis.verdicts import CheckResult
from churn_operator.core.analysis.windows import Distributions, distributions

LEVEL = 0.95
"""Which quantile of latency is compared."""


def latency_quantile(traffic: Traffic, setting: Setting) -> CheckResult:
    """The candidate's 95th percentile of latency over the stable version's in the same windows.

    `setting.maximum` is the ratio that is still good. The evidence is that the candidate has more requests above some
    bound than the stable version: for each finite bound that of `evidence.log_excess`, averaged over all of them, so
    that no bound has to be chosen after the fact. Its null hypothesis is that the candidate's latency is
    stochastically no greater (Lindon, Sanden and Shirikian, KDD 2022, arXiv:2205.14762, test the same on raw values).
    """
    latency = distributions([(each.stable.latency, each.candidate.latency) for each in traffic])
    few = too_few(setting, "latencies in common buckets", latency.candidate_size, latency.stable_size)
    if few is not None:
        return few
    of_candidate, of_stable = quantile(latency.candidate, LEVEL), quantile(latency.stable, LEVEL)
    value = of_candidate / of_stable
    sentence = (
        f"{LEVEL:.0%} of answers come within {of_candidate:.4g} s from the candidate and {of_stable:.4g} s from the "
        f"stable version: {value:.2f} times as long, where {setting.maximum:.3g} times is still good"
    )
    return judged(setting, value, _log_slower(latency), latency.candidate_size, sentence)


def _log_slower(latency: Distributions) -> float:
    return log_mean([_log_more_above(latency, bound) for bound in latency.candidate.bounds[:-1]])


def _log_more_above(latency: Distributions, bound: float) -> float:
    slow = [(stable.above(bound), candidate.above(bound)) for stable, candidate in latency.pairs]
    return log_excess(latency.splits([candidate for _, candidate in slow], [stable for stable, _ in slow]))
