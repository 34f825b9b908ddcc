"""Rolling a version out: the candidate is chosen, gets its share step by step, and is watched on the way."""

from __future__ import annotations

from dataclasses import replace

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.common import GROUP
from churn_operator.api.v1alpha1.rollout import HookType
from churn_operator.api.v1alpha1.status import RolloutStatus, Version, VersionState
from churn_operator.core.bake import bake, end_step, enter_step
from churn_operator.core.confirm import confirm, rollback_wished
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.ending import roll_back, supersede
from churn_operator.core.serve import Service, arrangement, has_failed, look, pending, serve, withdraw
from churn_operator.core.stable import keep, pin
from churn_operator.core.steps import RolloutStep, steps_of, work_of
from churn_operator.core.traffic import Readiness, Reading
from churn_operator.core.verbs import heed_verbs


def consider_rollout(draft: Draft) -> Draft:
    """Bring the versions in service one step closer to those that should be."""
    if draft.spec.rollback_to is not None:
        return pin(heed_verbs(_set_aside(draft)), draft.spec.rollback_to)
    draft = heed_verbs(_choose_candidate(draft))
    stable, candidate = draft.stable, draft.candidate
    if draft.status.rollout != draft.observation.subject.status.rollout:
        # Decided in this pass: that has to stand in status before anything is served by it.
        return _decided(look(draft), candidate, stable).look_again(AT_ONCE)
    if candidate is not None:
        return _roll_out(draft, stable, candidate)
    if stable is not None:
        return keep(draft, stable)
    if draft.status.serving.driver:
        return withdraw(draft)
    return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "NoVersion", "no version is in service yet")


def _set_aside(draft: Draft) -> Draft:
    """While a version is pinned, no other is on its way into service."""
    if draft.stable is None or draft.status.rollout.candidate is None:
        return draft
    return _alone(draft, draft.stable.number)


def _alone(draft: Draft, stable: int) -> Draft:
    """No candidate any more, and nothing left to be said of one."""
    draft = draft.with_status(rollout=RolloutStatus(stable=stable))
    message = "no version is on its way into service"
    return draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "NoCandidate", message)


def _choose_candidate(draft: Draft) -> Draft:
    """Begin the rollout of the version that is wished for; what it replaces on the way is superseded. A
    candidate that another wish overtook goes on until there is a version of that wish."""
    waiting = [version for version in draft.status.versions if version.state is VersionState.CANDIDATE]
    if not waiting:
        return draft
    wished, current, stable = draft.wished_version, draft.candidate, draft.stable
    if wished is not None and wished in waiting and wished != current:
        draft = supersede(draft, [version for version in waiting if version != wished])
        return _begin(draft, wished, stable)
    if current is not None and stable is not None and wished == stable:
        draft = _alone(supersede(draft, waiting), stable.number)
        return draft.tell("RolloutWithdrawn", f"spec asks for version {stable.number} again")
    return supersede(draft, [version for version in waiting if version not in (current, wished)])


def _begin(draft: Draft, candidate: Version, stable: Version | None) -> Draft:
    """The first step; or the last one at once when the stable version has failed, since there is nobody to
    protect from the candidate, and no traffic can be split with what does not answer."""
    steps = steps_of(draft.spec.rollout, first=stable is None)
    first = len(steps) - 1 if stable is not None and has_failed(draft, stable) else 0
    rollout = RolloutStatus(
        stable=stable.number if stable else None,
        candidate=candidate.number,
        step=first,
        weight=steps[first].weight,
        mirror=steps[first].mirror,
        started=draft.now,
    )
    share = f"with {steps[first].share} of the traffic" if stable else "as the first version"
    return draft.with_status(rollout=rollout).tell("RolloutStarted", f"version {candidate.number} {share}")


def _decided(draft: Draft, candidate: Version | None, stable: Version | None) -> Draft:
    if candidate is None and draft.work is not None:
        return draft
    if candidate is None:
        return draft.busy("Settling", f"all traffic is to go to version {draft.status.rollout.stable}")
    steps = steps_of(draft.spec.rollout, first=stable is None)
    return draft.busy(*work_of(draft.status.rollout, candidate, len(steps)))


def _roll_out(draft: Draft, stable: Version | None, candidate: Version) -> Draft:
    steps = steps_of(draft.spec.rollout, first=stable is None)
    draft = _follow_edits(draft, steps)
    if _is_unserved(draft):
        confirmed = confirm(draft, HookType.CONFIRM_ROLLOUT, candidate)
        draft = confirmed.draft
        if not confirmed.go:
            draft = serve(draft, arrangement(draft, stable, None)).draft if stable else look(draft)
            reason, work = work_of(draft.status.rollout, candidate, len(steps))
            return draft.busy(reason, confirmed.message or work)
    return _take_step(draft, stable, candidate, steps)


def _is_unserved(draft: Draft) -> bool:
    """Whether the candidate was not asked for yet, and nobody wants it promoted without further ado."""
    rollout = draft.status.rollout
    return rollout.step_requested is None and not rollout.steps and not _hurries(rollout)


def _take_step(draft: Draft, stable: Version | None, candidate: Version, steps: tuple[RolloutStep, ...]) -> Draft:
    rollout = draft.status.rollout
    step = min(rollout.step or 0, len(steps) - 1)
    wish = arrangement(draft, stable, candidate, rollout.weight or 0, rollout.mirror)
    work = work_of(rollout, candidate, len(steps))
    # What is paused keeps its share, whatever has become of the steps in spec.
    current = replace(steps[step], weight=rollout.weight or 0, mirror=rollout.mirror)
    steps = (*steps[:step], current, *steps[step + 1 :])
    asked = rollout.step_requested is not None
    if pending(draft, wish) and asked:
        # Its time begins anew; status says so first, or a crash would make the candidate look late.
        return look(draft.with_rollout(step_requested=None)).busy(*work).look_again(AT_ONCE)
    service = serve(draft, wish)
    if service.refused:
        return service.draft
    draft = service.draft.busy(*work)
    if service.effective is not None and not asked and not pending(draft, wish):
        draft = draft.with_rollout(step_requested=draft.now)
    return _judge(draft, service, candidate, steps, step)


def _follow_edits(draft: Draft, steps: tuple[RolloutStep, ...]) -> Draft:
    """When the steps were edited on the way, the step goes by its number, and its bake begins anew. What is to be
    promoted now is at the last step; what is paused stays as it is."""
    rollout = draft.status.rollout
    if rollout.paused:
        return draft
    step = len(steps) - 1 if _hurries(rollout) else min(rollout.step or 0, len(steps) - 1)
    wished = (step, steps[step].weight, steps[step].mirror)
    return draft if wished == (rollout.step, rollout.weight, rollout.mirror) else enter_step(draft, steps, step)


def _hurries(rollout: RolloutStatus) -> bool:
    return rollout.promoting and not rollout.paused


def _judge(draft: Draft, service: Service, candidate: Version, steps: tuple[RolloutStep, ...], step: int) -> Draft:
    reading = service.candidate
    if service.effective is None or reading is None:
        return draft
    was_ready = draft.status.rollout.step_started is not None or reading.percent > 0
    if reading.readiness is Readiness.FAILED and was_ready:
        return roll_back(draft, candidate, "CandidateFailed", reading.message or "its predictor failed")
    wished = rollback_wished(draft, candidate)
    draft = wished.draft
    if wished.go:
        return roll_back(draft, candidate, "RolledBackByHook", wished.message)
    if reading.readiness is Readiness.READY and service.effective:
        return bake(draft, candidate, steps, step)
    return _await(_interrupt_bake(draft), candidate, reading)


def _interrupt_bake(draft: Draft) -> Draft:
    """A candidate that left service, by new settings say, has its time to come back, and bakes anew."""
    if draft.status.rollout.step_started is None:
        return draft
    return end_step(draft).with_rollout(step_requested=draft.now)


def _await(draft: Draft, candidate: Version, reading: Reading) -> Draft:
    """Wait until the candidate is ready and has its share, but no longer than the progress deadline after the
    data plane was seen to be asked for it: while it is out of reach, or suspended, no time runs. A candidate
    that is ready is not to blame when traffic does not follow, nor one that nobody could ask for yet because the
    stable version has to come back first: that needs a person, not a rollback."""
    deadline = draft.spec.rollout.progress_deadline
    asked = draft.status.rollout.step_requested or draft.now
    left = asked + seconds_of(deadline) - draft.now
    late = left.total_seconds() <= 0
    if late and reading.readiness not in (Readiness.READY, Readiness.ABSENT):
        why = f"it was not ready within {deadline}" + (f": {reading.message}" if reading.message else "")
        return roll_back(draft, candidate, "ProgressDeadlineExceeded", why)
    status, reason, note = _progress(candidate, reading, deadline)
    draft = draft.find(ConditionType.CANARY_HEALTHY, status, reason, note)
    if late:
        number = candidate.number
        held = "is ready, but" if reading.readiness is Readiness.READY else "waits for the stable version and"
        note = f"version {number} {held} did not get its share of the traffic within {deadline}"
        look = "see the stable version, the gateway and KServe's controller"
        way = f"annotate {GROUP}/promote={number} to go past them, or {GROUP}/abort={number} to give it up"
        return replace(draft, work=None).hindered("TrafficNotShifted", f"{note}: {look}; {way}")
    return draft.look_again(left)


def _progress(candidate: Version, reading: Reading, deadline: str) -> tuple[ConditionStatus, str, str]:
    name = f"version {candidate.number}"
    match reading.readiness:
        case Readiness.READY:
            return ConditionStatus.TRUE, "ShiftingTraffic", f"{name} is ready; traffic is being shifted"
        case Readiness.FAILED:
            why = reading.message or "its predictor failed"
            return ConditionStatus.FALSE, "CandidateFailing", f"{name} does not become ready: {why}"
        case Readiness.PROGRESSING | Readiness.ABSENT:
            return ConditionStatus.UNKNOWN, "CandidateStarting", f"{name} is starting; it has {deadline} for that"
