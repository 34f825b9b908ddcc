"""Whether the candidate gives other classes than the stable version to the same requests."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from churn_operator.api.v1alpha1.status import Verdict
from churn_operator.core.analysis.evidence import log_above
from churn_operator.core.analysis.samples import Comparisons, Traffic
from churn_operator.core.analysis.setting import Setting, inconclusive, judged
from churn_operator.core.analysis.verdicts import CheckResult, Reason


def disagreement(traffic: Traffic, setting: Setting) -> CheckResult:
    """Mirrored requests to which the versions gave different classes, over all mirrored requests.

    A request with several customers counts by the share of them, so each request adds at most one, however many there
    are: customers of one request are alike, and no independent trials. `evidence.log_above` holds for such shares too:
    a likelihood ratio is convex in the outcome, so of all outcomes between 0 and 1 with the same mean it expects most
    of 0 and 1 themselves.

    `setting.maximum` is the ratio that is still good, and the null hypothesis of the evidence: two models never agree
    on everything, so there is no ratio without a cause to test against.

    What is Inconclusive once no more requests are mirrored stays so (NothingMirrored, which `verdicts.total` passes
    over): the steps with copies are over, and waiting would not help.
    """
    result = _so_far(traffic, setting)
    if result.verdict is not Verdict.INCONCLUSIVE or (traffic and traffic[-1].comparisons is not None):
        return result
    return replace(result, reason=Reason.NOTHING_MIRRORED, message=f"{result.message}; no more will be mirrored")


def _so_far(traffic: Traffic, setting: Setting) -> CheckResult:
    seen = [(each.candidate.requests, each.comparisons) for each in traffic if each.comparisons is not None]
    requests, every = math.fsum(count for count, _ in seen), _sum(comparisons for _, comparisons in seen)
    if every.compared < setting.min_requests:
        reason = Reason.TOO_FEW_REQUESTS if every.compared or not requests else Reason.NOTHING_COMPARED
        message = f"{every.compared:.0f} mirrored requests were compared, and {setting.min_requests:.0f} are needed"
        return inconclusive(setting, reason, every.compared, f"{message}{_what_is_missing(requests, every)}")
    differing = min(every.differing, every.compared)
    value = differing / every.compared
    sentence = (
        f"the versions disagree on {differing:.0f} of {every.compared:.0f} mirrored requests, {value:.2%}, "
        f"where {setting.maximum:.2%} is still good"
    )
    evidence = log_above(differing, every.compared, setting.maximum)
    return judged(setting, value, evidence, every.compared, sentence)


def _sum(each: Iterable[Comparisons]) -> Comparisons:
    every = tuple(each)
    failures: Counter[str] = Counter()
    for comparisons in every:
        failures.update(dict(comparisons.failures))
    return Comparisons(
        copies=math.fsum(comparisons.copies for comparisons in every),
        compared=math.fsum(comparisons.compared for comparisons in every),
        differing=math.fsum(comparisons.differing for comparisons in every),
        failures=tuple((reason, count) for reason, count in failures.most_common() if count),
    )


def _what_is_missing(requests: float, every: Comparisons) -> str:
    if every.failures:
        reasons = ", ".join(f"{reason} {count:.0f}" for reason, count in every.failures)
        failed = math.fsum(count for _, count in every.failures)
        return f"; the stable version gave no answer to compare with for {failed:.0f} more ({reasons})"
    if every.compared:
        return ""
    if not requests:
        return "; none reached the candidate: copies are made in steps with shadow, by serving.trafficDriver: gateway"
    if every.copies:
        return (
            f"; the candidate's server got {every.copies:.0f} copies and compared none of its answers: "
            "it was started without the check, or answered none with a prediction"
        )
    return (
        f"; the candidate's server answered {requests:.0f} requests and took none for a copy: it has to be "
        "churn-serving, and the gateway has to set the header of the HTTPRoute on copies as well"
    )
