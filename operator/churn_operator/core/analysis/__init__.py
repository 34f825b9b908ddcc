"""Analysis of live traffic: the candidate against the stable version, in the same windows, at every look."""

from churn_operator.core.analysis.look import Look, look_at
from churn_operator.core.analysis.progress import Conclusion, conclusion, remembered
from churn_operator.core.analysis.samples import (
    EMPTY,
    Comparisons,
    Histogram,
    Measurement,
    Traffic,
    TrafficSample,
    Unavailable,
    VersionSample,
)
from churn_operator.core.analysis.thresholds import DEFAULT_CHECKS, DEFAULT_MAXIMUM, FALSE_ALARM, BuiltIn
from churn_operator.core.analysis.verdicts import CheckResult, Reason

__all__ = [
    "DEFAULT_CHECKS",
    "DEFAULT_MAXIMUM",
    "EMPTY",
    "FALSE_ALARM",
    "BuiltIn",
    "CheckResult",
    "Comparisons",
    "Conclusion",
    "Histogram",
    "Look",
    "Measurement",
    "Reason",
    "Traffic",
    "TrafficSample",
    "Unavailable",
    "VersionSample",
    "conclusion",
    "look_at",
    "remembered",
]
