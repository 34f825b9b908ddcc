"""Whether the candidate gives other classes than the stable version to the same requests."""

from __future__ import annotations

import math

from churn_operator.core.analysis.evidence import log_above
from churn_operator.core.analysis.samples import Traffic
from churn_operator.core.analysis.setting import Setting, inconclusive, judged
from churn_operator.core.analysis.verdicts import CheckResult, Reason


def disagreement(traffic: Traffic, setting: Setting) -> CheckResult:
    """Mirrored requests to which the versions gave different classes, over all mirrored requests.

    `setting.maximum` is the ratio that is still good, and the null hypothesis of the evidence
    (`evidence.log_above`): two models never agree on everything, so there is no ratio without a cause to test against.
    """
    mirrored = math.fsum(each.mirrored or 0.0 for each in traffic)
    if all(each.mirrored is None for each in traffic):
        message = "no requests are mirrored: give the rollout a step with shadow, or remove the check"
        return inconclusive(setting, Reason.NOTHING_MIRRORED, 0, message)
    if mirrored < setting.min_requests:
        message = f"{mirrored:.0f} mirrored requests were seen, and {setting.min_requests:.0f} are needed"
        return inconclusive(setting, Reason.TOO_FEW_REQUESTS, mirrored, message)
    differing = min(math.fsum(each.disagreements or 0.0 for each in traffic), mirrored)
    value = differing / mirrored
    sentence = (
        f"the versions disagree on {differing:.0f} of {mirrored:.0f} mirrored requests, {value:.2%}, "
        f"where {setting.maximum:.2%} is still good"
    )
    return judged(setting, value, log_above(differing, mirrored, setting.maximum), mirrored, sentence)
