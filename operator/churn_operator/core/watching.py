"""When data and packages that change are taken up, and how soon what is missing is looked for again."""

from __future__ import annotations

from datetime import timedelta

from churn_operator.api.v1alpha1 import ChurnModelStatus
from churn_operator.api.v1alpha1.status import TrainingState
from churn_operator.core.draft import Draft
from churn_operator.core.observation import Unknown

LOOK_FOR_MISSING = timedelta(seconds=30)
UNDER_WAY = (TrainingState.PENDING, TrainingState.RUNNING, TrainingState.BACKING_OFF, TrainingState.CANCELLING)


def nothing_under_way(status: ChurnModelStatus) -> bool:
    """Whether no training and no rollout would be overtaken: what changes often would else keep every rollout from
    ever ending."""
    training_under_way = status.training is not None and status.training.state in UNDER_WAY
    return not training_under_way and status.rollout.candidate is None


def held_up(draft: Draft, unknown: Unknown, uri: str, kind: str) -> Draft:
    """Spec asks for a model of something that was not seen: without this a delivery would look done. The sentences stay
    the same while it lasts; what was answered is in the condition of this `kind`."""
    if unknown.rejected:
        hint = f"correct the Secret that spec.dataset.secretRef names, or the URI in spec; {kind} has the answer"
        return draft.blocked(unknown.reason, f"{uri} may not be read: {hint}")
    return draft.busy("InputUnseen", f"spec asks for a model by {uri}, which cannot be seen at the moment")
