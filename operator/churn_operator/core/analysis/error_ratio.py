"""Whether the candidate answers with more errors than the stable version."""

from __future__ import annotations

from churn_operator.core.analysis.evidence import log_excess
from churn_operator.core.analysis.samples import Traffic
from churn_operator.core.analysis.setting import Setting, judged, too_few
from churn_operator.core.analysis.verdicts import CheckResult
from churn_operator.core.analysis.windows import proportions


def error_ratio(traffic: Traffic, setting: Setting) -> CheckResult:
    """The candidate's errors per request less the stable version's in the same windows.

    `setting.maximum` is the increase that is still good: 0.005 is half a percentage point. The evidence is that of
    `evidence.log_excess` on which version each error came from.
    """
    counts = [
        (each.candidate.errors, each.candidate.requests, each.stable.errors, each.stable.requests) for each in traffic
    ]
    rates = proportions(counts)
    few = too_few(setting, "requests", rates.candidate_size, rates.stable_size)
    if few is not None:
        return few
    value = rates.candidate - rates.stable
    sentence = (
        f"errors are {rates.candidate:.2%} of the candidate's requests and {rates.stable:.2%} of the stable "
        f"version's: a difference of {value * 100:+.2f} points, where {setting.maximum * 100:+.3g} is still good"
    )
    return judged(setting, value, log_excess(rates.splits), rates.candidate_size, sentence)
