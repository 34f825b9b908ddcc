"""Checks by a user's own PromQL template: the value against its bounds, as it is."""

from __future__ import annotations

import math

from churn_operator.api.v1alpha1.rollout import Check
from churn_operator.api.v1alpha1.status import Verdict
from churn_operator.core.analysis.samples import Measurement
from churn_operator.core.analysis.verdicts import CheckResult, Reason


def measured(check: Check, measurement: Measurement | None, samples: int) -> CheckResult:
    """Failed if the value is out of bounds; Inconclusive if the query gave none, which is not a bad one.

    What a user's query counts is not known, so there is no test: a single look may fail by chance, which is what
    failureLimit is for.
    """
    value = measurement.value if measurement is not None else None
    if value is None or not math.isfinite(value):
        message = "the query gave no value"
        return CheckResult(check.name, Verdict.INCONCLUSIVE, Reason.NO_VALUE, None, _bound(check), samples, message)
    if check.maximum is not None and value > check.maximum:
        message = f"the query gave {value:.6g}, above the maximum of {check.maximum:.6g}"
        return _failed(check, value, check.maximum, samples, message)
    if check.minimum is not None and value < check.minimum:
        message = f"the query gave {value:.6g}, below the minimum of {check.minimum:.6g}"
        return _failed(check, value, check.minimum, samples, message)
    bounds = ((check.minimum, "at least"), (check.maximum, "at most"))
    wished = " and ".join(f"{word} {bound:.6g}" for bound, word in bounds if bound is not None)
    message = f"the query gave {value:.6g}, where {wished} is still good"
    return CheckResult(check.name, Verdict.PASSED, Reason.WITHIN_THRESHOLD, value, _bound(check), samples, message)


def _failed(check: Check, value: float, bound: float, samples: int, message: str) -> CheckResult:
    return CheckResult(check.name, Verdict.FAILED, Reason.THRESHOLD_EXCEEDED, value, bound, samples, message)


def _bound(check: Check) -> float | None:
    return check.maximum if check.maximum is not None else check.minimum
