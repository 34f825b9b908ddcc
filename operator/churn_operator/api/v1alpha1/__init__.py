"""churnops.dev/v1alpha1."""

from churn_operator.api.v1alpha1.common import GROUP, KIND, METRICS, PLURAL, VERSION, Duration, seconds_of
from churn_operator.api.v1alpha1.spec import ChurnModelSpec, DeletionPolicy
from churn_operator.api.v1alpha1.status import ChurnModelStatus, Condition, ConditionStatus, Phase

__all__ = [
    "GROUP",
    "KIND",
    "METRICS",
    "PLURAL",
    "VERSION",
    "ChurnModelSpec",
    "ChurnModelStatus",
    "Condition",
    "ConditionStatus",
    "DeletionPolicy",
    "Duration",
    "Phase",
    "seconds_of",
]
