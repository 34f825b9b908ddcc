"""Deleting a ChurnModel: stop serving, remove what the policy says, and never hang for ever."""

from __future__ import annotations

from datetime import timedelta

from churn_operator.api.v1alpha1 import ChurnModelSpec, DeletionPolicy
from churn_operator.api.v1alpha1.status import DeletionStatus
from churn_operator.core.actions import (
    DeleteArtifacts,
    DeleteRun,
    DeleteServing,
    RemoveFinalizer,
    TerminateRun,
)
from churn_operator.core.draft import AT_ONCE, BareDraft
from churn_operator.core.observation import InvalidSpec, Known, Leftovers, Subject, Unknown
from churn_operator.core.sentences import shortened
from churn_operator.core.training import model_root, pipelines_target

CLEANING = timedelta(seconds=2)


def spec_to_clean_by(subject: Subject) -> ChurnModelSpec | None:
    """The spec that says where runs and artifacts to be removed are; None where they stay: because that is the
    policy, or because the policy cannot be read."""
    spec = subject.spec
    if isinstance(spec, InvalidSpec) or spec.deletion_policy is DeletionPolicy.RETAIN:
        return None
    return spec


def consider_deletion(draft: BareDraft) -> BareDraft:
    """One step of the cleanup. What cannot be reached is given up after the installation's deadline, with
    a warning that names it; the deletion itself then goes on."""
    draft = draft.busy("Deleting", "the ChurnModel is being deleted")
    if not draft.observation.subject.finalized:
        return draft
    deletion = draft.status.deletion
    if deletion is None:
        draft = draft.with_status(deletion=DeletionStatus(started=draft.now))
        fate = "stay" if spec_to_clean_by(draft.observation.subject) is None else "go too"
        return draft.tell("Deleting", f"serving ends; runs and artifacts {fate}").look_again(AT_ONCE)
    if deletion.gave_up:
        return draft.act(RemoveFinalizer())
    draft, remaining = _clean(draft)
    remaining = [*remaining, *(fault.message for fault in draft.observation.faults)]
    if not remaining:
        return draft.act(RemoveFinalizer())
    late = draft.now - deletion.started >= draft.observation.installation.cleanup_deadline
    if not late:
        return draft.busy("Deleting", "; ".join(remaining)).look_again(CLEANING)
    gave_up = tuple(shortened(each) for each in remaining)
    draft = draft.with_status(deletion=deletion.model_copy(update={"gave_up": gave_up}))
    return draft.warn("CleanupGaveUp", f"left behind: {'; '.join(remaining)}").look_again(AT_ONCE)


def _clean(draft: BareDraft) -> tuple[BareDraft, list[str]]:
    """The next cleaning actions, and sentences about what is still there."""
    draft, remaining = _clean_serving(draft)
    spec = spec_to_clean_by(draft.observation.subject)
    if spec is None:
        return draft, remaining
    match draft.observation.leftovers:
        case Unknown(message=message):
            return draft, [*remaining, f"runs and artifacts could not be seen: {message}"]
        case Known(value=leftovers):
            draft, more = _clean_leftovers(draft, spec, leftovers)
            return draft, [*remaining, *more]


def _clean_serving(draft: BareDraft) -> tuple[BareDraft, list[str]]:
    serving = draft.observation.serving
    if isinstance(serving, Unknown):
        return draft, [f"the InferenceService could not be seen: {serving.message}"]
    if serving.value is None:
        return draft, []
    if serving.value.terminating:
        return draft, ["the InferenceService is being deleted"]
    # The driver stands in status before anything is served.
    driver = draft.status.serving.driver or draft.observation.installation.traffic_driver
    return draft.act(DeleteServing(draft.observation.subject.key, driver)), ["the InferenceService"]


def _clean_leftovers(draft: BareDraft, spec: ChurnModelSpec, leftovers: Leftovers) -> tuple[BareDraft, list[str]]:
    """Active runs end first, because they could still write artifacts."""
    subject, installation = draft.observation.subject, draft.observation.installation
    target = pipelines_target(spec, installation, subject.key)
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
