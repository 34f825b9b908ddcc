"""Deleting a ChurnModel: stop serving, remove what the policy says, and never hang for ever."""

from __future__ import annotations

from datetime import timedelta

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus, DeletionPolicy, Phase
from churn_operator.api.v1alpha1.status import DeletionStatus
from churn_operator.core.actions import (
    DeleteArtifacts,
    DeleteRun,
    DeleteServing,
    RemoveFinalizer,
    TerminateRun,
)
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.observation import Known, Leftovers, Unknown
from churn_operator.core.serve import driver_of
from churn_operator.core.training import model_root, pipelines_target

CLEANING = timedelta(seconds=2)


def consider_deletion(draft: Draft) -> Draft:
    """One step of the cleanup. What cannot be reached is given up after the installation's deadline, with
    a warning that names it; the deletion itself then goes on."""
    if not draft.observation.subject.finalized:
        return draft
    draft = draft.with_status(phase=Phase.DELETING)
    deletion = draft.status.deletion
    if deletion is None:
        draft = draft.with_status(deletion=DeletionStatus(started=draft.now))
        policy = draft.spec.deletion_policy.value
        return draft.tell("Deleting", f"runs and artifacts: {policy}").look_again(AT_ONCE)
    if deletion.gave_up:
        return draft.act(RemoveFinalizer())
    draft, remaining = _clean(draft)
    if not remaining:
        return draft.act(RemoveFinalizer())
    late = draft.now - deletion.started >= draft.observation.installation.cleanup_deadline
    if not late:
        return draft.busy("Deleting", "; ".join(remaining)).look_again(CLEANING)
    draft = draft.with_status(deletion=deletion.model_copy(update={"gave_up": tuple(remaining)}))
    return draft.warn("CleanupGaveUp", f"left behind: {'; '.join(remaining)}").look_again(AT_ONCE)


def _clean(draft: Draft) -> tuple[Draft, list[str]]:
    """The next cleaning actions, and sentences about what is still there."""
    draft, remaining = _clean_serving(draft)
    if draft.spec.deletion_policy is DeletionPolicy.RETAIN:
        return draft, remaining
    match draft.observation.leftovers:
        case Unknown(message=message):
            return draft, [*remaining, f"runs and artifacts could not be seen: {message}"]
        case Known(value=leftovers):
            draft, more = _clean_leftovers(draft, leftovers)
            return draft, [*remaining, *more]


def _clean_serving(draft: Draft) -> tuple[Draft, list[str]]:
    serving = draft.observation.serving
    if isinstance(serving, Unknown):
        return draft, [f"the InferenceService could not be seen: {serving.message}"]
    if serving.value is None:
        return draft, []
    if serving.value.terminating:
        return draft, ["the InferenceService is being deleted"]
    action = DeleteServing(draft.observation.subject.key, driver_of(draft))
    return draft.act(action), ["the InferenceService"]


def _clean_leftovers(draft: Draft, leftovers: Leftovers) -> tuple[Draft, list[str]]:
    """Active runs end first, because they could still write artifacts."""
    subject, installation = draft.observation.subject, draft.observation.installation
    target = pipelines_target(draft.spec, installation, subject.key)
    active = [run for run in leftovers.runs if not run.state.terminal]
    for run in active:
        draft = draft.act(TerminateRun(target, run.id))
    if active:
        return draft, [f"{len(active)} runs that are being stopped"]
    remaining = []
    for run in leftovers.runs:
        draft = draft.act(DeleteRun(target, run.id))
    if leftovers.runs:
        remaining.append(f"{len(leftovers.runs)} runs")
    if leftovers.artifacts:
        root = model_root(installation, subject.key)
        draft = draft.act(DeleteArtifacts(root))
        remaining.append(f"artifacts at {root}")
    return draft, remaining


def deletion_finding(draft: Draft) -> Draft:
    """Conditions of an object that is going."""
    message = draft.work[1] if draft.work else "the ChurnModel is being deleted"
    return draft.find(ConditionType.READY, ConditionStatus.FALSE, "Deleting", message)
