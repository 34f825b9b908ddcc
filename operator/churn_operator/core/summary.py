"""The summary of a pass: kstatus conditions, phase and the columns that people see."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from churn_operator.api.conditions import ConditionType, Finding, dated
from churn_operator.api.v1alpha1 import ChurnModelStatus, Condition, ConditionStatus, Phase
from churn_operator.api.v1alpha1.status import TrainingState
from churn_operator.core.actions import ApplyServing, SubmitRun
from churn_operator.core.draft import BareDraft, Draft
from churn_operator.core.sentences import ANOTHER_TRY

D = TypeVar("D", bound=BareDraft)

_ORDER = tuple(ConditionType)
_OUTAGES = (
    ConditionType.DATASET_READY,
    ConditionType.PIPELINE_READY,
    ConditionType.TRAINED,
    ConditionType.SERVED,
)

_TOLD_WHERE_THEY_MATTER = (ApplyServing.__name__, SubmitRun.__name__)


def summarize(draft: Draft) -> Draft:
    """Derive everything that is a summary of the rest, and date the conditions."""
    draft = _ready(_rejected_wish(draft), pinned=draft.spec.rollback_to)
    return _seal(_suspended(draft) if draft.spec.suspend else _progress(_held_up(draft)), _phase(draft))


def summarize_unreadable(draft: BareDraft) -> BareDraft:
    """The same where spec cannot be read."""
    stable = draft.status.rollout.stable
    return _seal(_progress(_ready(draft, pinned=None)), Phase.FAILED if stable is None else Phase.SERVING)


def summarize_deletion(draft: BareDraft) -> BareDraft:
    """The same for an object that is going."""
    message = draft.work[1] if draft.work else "the ChurnModel is being deleted"
    draft = draft.find(ConditionType.READY, ConditionStatus.FALSE, "Deleting", message)
    return _seal(_progress(draft), Phase.DELETING)


def _seal(draft: D, phase: Phase) -> D:
    draft = _announce_outages(_announce_complaint(draft))
    stable = draft.status.version(draft.status.rollout.stable)
    area = stable.metrics.get("rocAuc") if stable else None
    return draft.with_status(
        observed_generation=draft.observation.subject.generation,
        phase=phase,
        conditions=_conditions(draft),
        roc_auc=f"{area:.4f}" if area is not None else None,
    )


def _rejected_wish(draft: Draft) -> Draft:
    """A spec whose model was refused stays refused until its training part or its data changes."""
    key = draft.wished_key
    if draft.obstacle or draft.spec.rollback_to is not None or key is None:
        return draft
    rejection = draft.rejection(key)
    if rejection is None or draft.status.rollout.candidate is not None:
        return draft
    return draft.blocked(rejection.reason, f"{rejection.message.removesuffix('.')}; {ANOTHER_TRY}")


def _ready(draft: D, pinned: int | None) -> D:
    """Ready is about the application that calls the model: is there a version in service that answers?"""
    served = _current(draft, ConditionType.SERVED)
    stable = draft.status.rollout.stable
    if stable is None:
        reason, message = draft.obstacle or ("NoVersion", "no version is in service yet")
        return draft.find(ConditionType.READY, ConditionStatus.FALSE, reason, message)
    if served is None:
        return draft.find(ConditionType.READY, ConditionStatus.UNKNOWN, "ServingUnknown", "serving was not seen yet")
    if served.status is not ConditionStatus.TRUE:
        return draft.find(ConditionType.READY, served.status, served.reason, served.message)
    message = f"version {stable} is in service"
    if pinned == stable:
        return draft.find(ConditionType.READY, ConditionStatus.TRUE, "Pinned", f"{message}, pinned by spec.rollbackTo")
    return draft.find(ConditionType.READY, ConditionStatus.TRUE, "InService", message)


def _suspended(draft: D) -> D:
    for kind in (ConditionType.RECONCILING, ConditionType.STALLED):
        draft = draft.find(kind, ConditionStatus.FALSE, "Suspended", "spec.suspend is true")
    return draft


def _held_up(draft: D) -> D:
    """An action that failed and that nothing else has told of: the finalizer may not be set, say."""
    fault = next((one for one in draft.observation.faults if one.action not in _TOLD_WHERE_THEY_MATTER), None)
    if fault is None:
        return draft
    if fault.rejected:
        message = f"{fault.action} was refused, and is tried again: {fault.message}"
        return replace(draft, work=None).hindered("ActionRejected", message)
    return draft.delayed("ActionFailed", f"{fault.action} failed, and is tried again: {fault.message}")


def _progress(draft: D) -> D:
    """Reconciling and Stalled exclude each other: what waits for a person is not under way."""
    no, yes = ConditionStatus.FALSE, ConditionStatus.TRUE
    work, obstacle = draft.work, draft.obstacle
    if work:
        draft = draft.find(ConditionType.RECONCILING, yes, *work)
        return draft.find(ConditionType.STALLED, no, "Progressing", work[1])
    if obstacle:
        draft = draft.find(ConditionType.RECONCILING, no, *obstacle)
        return draft.find(ConditionType.STALLED, yes, *obstacle)
    draft = draft.find(ConditionType.RECONCILING, no, "UpToDate", "nothing is to be done")
    return draft.find(ConditionType.STALLED, no, "UpToDate", "nothing is to be done")


def _announce_complaint(draft: D) -> D:
    """A warning about what holds the work up, when Reconciling or Stalled did not tell of it before."""
    if draft.complaint is None or draft.complaint != (draft.work or draft.obstacle):
        return draft
    reason, message = draft.complaint
    told = (draft.status.condition(kind) for kind in (ConditionType.RECONCILING, ConditionType.STALLED))
    known = any(condition is not None and condition.reason == reason for condition in told)
    return draft if known else draft.warn(reason, message)


def _announce_outages(draft: D) -> D:
    """An event when a part of the world goes out of sight, and one when it is back."""
    for finding in draft.findings:
        before = draft.status.condition(finding.type)
        if finding.type not in _OUTAGES:
            continue
        was_unknown = before is not None and before.status is ConditionStatus.UNKNOWN
        is_unknown = finding.status is ConditionStatus.UNKNOWN
        if is_unknown and not was_unknown:
            draft = draft.warn(finding.reason, finding.message)
        elif was_unknown and not is_unknown and before is not None:
            draft = draft.tell("Recovered", f"{finding.type} can be judged again after {before.reason}")
    return draft


def _current(draft: BareDraft, kind: ConditionType) -> Finding | Condition | None:
    found = next((finding for finding in draft.findings if finding.type is kind), None)
    return found or draft.status.condition(kind)


def _conditions(draft: BareDraft) -> tuple[Condition, ...]:
    """The findings of this pass over what earlier passes found."""
    now, generation = draft.now, draft.observation.subject.generation
    found = {finding.type: finding for finding in draft.findings}
    conditions = []
    for kind in _ORDER:
        before = draft.status.condition(kind.value)
        if kind in found:
            conditions.append(_condition(found[kind], before, generation, now))
        elif before is not None:
            conditions.append(before)
    return tuple(conditions)


def _condition(finding: Finding, before: Condition | None, generation: int, now: datetime) -> Condition:
    """The condition of a finding. The first message of an outage stays: error texts vary from call to call, and
    each change would be a write."""
    if before is not None and (before.status, before.reason) == (finding.status, finding.reason):
        kept = finding.status is ConditionStatus.UNKNOWN or before.message == finding.message
        if kept and before.observed_generation == generation:
            return before
        if kept:
            finding = replace(finding, message=before.message)
    return dated(finding, before, generation, now)


def _phase(draft: Draft) -> Phase:
    status = draft.status
    if draft.spec.suspend:
        return Phase.SUSPENDED
    if draft.work and draft.work[0] in ("RollingBack", "Withdrawing"):
        return Phase.ROLLING_BACK
    if status.rollout.candidate is not None:
        return Phase.ROLLING_OUT
    if draft.work and draft.work[0] in ("Training", "BackingOff", "Cancelling"):
        return Phase.TRAINING
    if status.rollout.stable is not None:
        return Phase.PINNED if draft.spec.rollback_to == status.rollout.stable else Phase.SERVING
    if draft.obstacle or _training_failed(status):
        return Phase.FAILED
    return Phase.PENDING


def _training_failed(status: ChurnModelStatus) -> bool:
    return status.training is not None and status.training.state is TrainingState.FAILED
