"""The decision: a pure function of an observation.

    data adopted? -> trained? -> gate passed? -> rolled out? -> said so

The same observation always gives the same decision, and at the fixpoint it asks for nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ConditionStatus, DeletionPolicy, Phase
from churn_operator.api.v1alpha1.dataset import Dataset
from churn_operator.core.actions import AddFinalizer, Decision
from churn_operator.core.dataset import consider_dataset
from churn_operator.core.deletion import consider_deletion, deletion_finding
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.observation import InvalidSpec, Known, Observation, Unknown
from churn_operator.core.rollout import consider_rollout
from churn_operator.core.summary import summarize
from churn_operator.core.train import consider_training, wanted_again
from churn_operator.core.versions import forget_old_versions

_UNREADABLE = ChurnModelSpec(
    dataset=Dataset(uri="s3://unreadable/spec"), deletion_policy=DeletionPolicy.RETAIN, suspend=True
)
"""Stands in for a spec that cannot be read: nothing is started, and nothing that was made is removed."""


def decide(observation: Observation) -> Decision:
    """What to do about a ChurnModel, what to say, and when to look again."""
    subject = observation.subject
    if isinstance(subject.spec, InvalidSpec):
        return _decide_unreadable(observation, subject.spec)
    draft = Draft(observation, subject.spec, subject.status)
    if subject.deletion_requested is not None:
        return _finish(deletion_finding(consider_deletion(draft)), deleting=True)
    if subject.spec.suspend:
        return _finish(_look_only(draft))
    draft = consider_dataset(draft)
    draft = wanted_again(draft)
    draft = consider_training(draft)
    draft = consider_rollout(draft)
    return _finish(forget_old_versions(draft))


def _decide_unreadable(observation: Observation, invalid: InvalidSpec) -> Decision:
    draft = Draft(observation, _UNREADABLE, observation.subject.status)
    if observation.subject.deletion_requested is not None:
        return _finish(deletion_finding(consider_deletion(draft)), deleting=True)
    draft = replace(draft, spec=_UNREADABLE.model_copy(update={"suspend": False, "rollback_to": 1}))
    draft = _look_only(draft).blocked("InvalidSpec", invalid.message)
    decision = _finish(draft)
    if decision.status.rollout.stable is None:
        return replace(decision, status=decision.status.model_copy(update={"phase": Phase.FAILED}))
    return replace(decision, status=decision.status.model_copy(update={"phase": Phase.SERVING}))


def _look_only(draft: Draft) -> Draft:
    """Say whether the version in service answers, and do nothing."""
    if draft.status.rollout.stable is None:
        return draft
    match draft.observation.serving:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.SERVED, unknown)
        case Known(value=None):
            message = "there is no InferenceService"
            return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "NotFound", message)
        case Known():
            return draft


def _finish(draft: Draft, deleting: bool = False) -> Decision:
    draft = summarize(draft)
    if deleting:
        draft = draft.with_status(phase=Phase.DELETING)
    subject = draft.observation.subject
    if not deleting and draft.actions and not subject.finalized:
        # Nothing is made in the outside world before its removal is assured.
        draft = replace(draft, actions=(AddFinalizer(),), requeue_after=AT_ONCE)
    return Decision(draft.status, draft.actions, draft.events, draft.requeue_after)


LONGEST_LOOK_AWAY = timedelta(minutes=10)
"""Even an object at rest is looked at this often: a watch may have missed something."""
