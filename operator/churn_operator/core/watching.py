"""When data and packages that change are taken up, and how soon what is missing is looked for again."""

from __future__ import annotations

from datetime import timedelta

from churn_operator.api.v1alpha1 import ChurnModelStatus
from churn_operator.api.v1alpha1.status import TrainingState

LOOK_FOR_MISSING = timedelta(seconds=30)
UNDER_WAY = (TrainingState.PENDING, TrainingState.RUNNING, TrainingState.BACKING_OFF, TrainingState.CANCELLING)


def nothing_under_way(status: ChurnModelStatus) -> bool:
    """Whether no training and no rollout would be overtaken: what changes often would else keep every rollout from
    ever ending."""
    training_under_way = status.training is not None and status.training.state in UNDER_WAY
    return not training_under_way and status.rollout.candidate is None
