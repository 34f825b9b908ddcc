"""The decision: a pure function of an observation.

    data adopted? -> trained? -> gate passed? -> rolled out? -> said so

The same observation always gives the same decision, and at the fixpoint it asks for nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from churn_operator.api.v1alpha1 import ChurnModelSpec
from churn_operator.core.actions import AddFinalizer, Decision
from churn_operator.core.clock import set_right
from churn_operator.core.dataset import consider_dataset
from churn_operator.core.deletion import consider_deletion
from churn_operator.core.draft import AT_ONCE, BareDraft, Draft
from churn_operator.core.fingerprint import fingerprint
from churn_operator.core.observation import InvalidSpec, Observation
from churn_operator.core.own_pipeline import consider_pipeline
from churn_operator.core.rollout import consider_rollout
from churn_operator.core.serve import look
from churn_operator.core.summary import summarize, summarize_deletion, summarize_unreadable
from churn_operator.core.train import consider_training
from churn_operator.core.verbs import heed_retry
from churn_operator.core.versions import forget_old_versions, reconsider_versions

D = TypeVar("D", bound=BareDraft)

_STATUS_UNREADABLE = (
    "status.rollout names version {}, of which this version of the operator can read nothing in status.versions: run "
    "the one that wrote it, or restore status from a backup; until then nothing is begun, and nothing is removed"
)


def decide(observation: Observation) -> Decision:
    """What to do about a ChurnModel, what to say, and when to look again."""
    observation = _by_the_clock(observation)
    subject = observation.subject
    if subject.deletion_requested is not None:
        draft = consider_deletion(BareDraft(observation=observation, status=subject.status))
        return _decision(summarize_deletion(draft))
    match subject.spec:
        case InvalidSpec(message):
            return _decision(_decide_unreadable(observation, message))
        case ChurnModelSpec() as spec:
            return _decision(_decide_readable(observation, spec))


def _by_the_clock(observation: Observation) -> Observation:
    status = set_right(observation.subject.status, observation.now)
    if status is observation.subject.status:
        return observation
    return replace(observation, subject=replace(observation.subject, status=status))


def _decide_readable(observation: Observation, spec: ChurnModelSpec) -> BareDraft:
    status = observation.subject.status
    draft = Draft(observation=observation, status=status, spec=spec, fingerprint=fingerprint(spec))
    if spec.suspend:
        return summarize(_look_only(draft))
    unread = [
        number for number in (status.rollout.stable, status.rollout.candidate) if number and not status.version(number)
    ]
    if unread:
        return summarize(_look_only(draft).hindered("StatusUnreadable", _STATUS_UNREADABLE.format(unread[0])))
    draft = consider_dataset(consider_pipeline(draft))
    draft = reconsider_versions(heed_retry(draft))
    draft = consider_training(draft)
    draft = consider_rollout(draft)
    return summarize(forget_old_versions(draft))


def _decide_unreadable(observation: Observation, message: str) -> BareDraft:
    """Nothing is started, and nothing that was made is removed."""
    draft = BareDraft(observation=observation, status=observation.subject.status)
    return summarize_unreadable(_look_only(draft).hindered("InvalidSpec", message))


def _look_only(draft: D) -> D:
    return draft if draft.status.rollout.stable is None else look(draft)


def _decision(draft: BareDraft) -> Decision:
    subject = draft.observation.subject
    if subject.deletion_requested is None and draft.actions and not subject.finalized:
        # Nothing is made in the outside world before its removal is assured.
        draft = replace(draft, actions=(AddFinalizer(),), requeue_after=AT_ONCE)
    # The very same object where nothing is new to say: a pass at rest can tell by identity.
    status = subject.status if draft.status == subject.status else draft.status
    return Decision(status, draft.actions, draft.events, draft.requeue_after)
