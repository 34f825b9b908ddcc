"""Rolling a version out: canary steps by weight and bake, promotion, rollback, pinning."""

from __future__ import annotations

from datetime import datetime

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.rollout import Step
from churn_operator.api.v1alpha1.status import RolloutStatus, Version, VersionState
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.serve import Service, arrangement, serve, withdraw
from churn_operator.core.traffic import Readiness
from churn_operator.core.training import fingerprint

_ALL_AT_ONCE = (Step(weight=100, bake="0s"),)


def consider_rollout(draft: Draft) -> Draft:
    """Bring the versions in service one step closer to those that should be."""
    if draft.spec.rollback_to is not None:
        return _pin(draft, draft.spec.rollback_to)
    draft = _choose_candidate(draft)
    stable, candidate = _stable(draft), _candidate(draft)
    if candidate is not None:
        return _canary(draft, stable, candidate)
    if stable is not None:
        return _settle(draft, stable)
    if draft.status.serving.driver:
        return withdraw(draft)
    return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "NoVersion", "no version is in service yet")


def steps_of(draft: Draft, stable: Version | None) -> tuple[Step, ...]:
    """The steps of a rollout; the last one always gives the candidate everything. A first rollout has
    nothing to split with."""
    if stable is None:
        return _ALL_AT_ONCE
    steps = draft.spec.rollout.effective_steps
    return steps if steps[-1].weight == 100 else (*steps, *_ALL_AT_ONCE)


def _stable(draft: Draft) -> Version | None:
    return draft.status.version(draft.status.rollout.stable)


def _candidate(draft: Draft) -> Version | None:
    return draft.status.version(draft.status.rollout.candidate)


def _choose_candidate(draft: Draft) -> Draft:
    """Begin the rollout of the version that is wished for; what it replaces on the way is superseded."""
    dataset = draft.status.dataset
    wished = dataset.key if dataset and dataset.fingerprint == fingerprint(draft.spec) else None
    waiting = [version for version in draft.status.versions if version.state is VersionState.CANDIDATE]
    current, stable = _candidate(draft), _stable(draft)
    fitting = next((version for version in reversed(waiting) if version.key == wished), None)
    if fitting is not None and fitting != current:
        draft = _supersede(draft, [version for version in waiting if version != fitting])
        return _begin(draft, fitting, stable)
    if current is not None and stable is not None and stable.key == wished:
        draft = _supersede(draft, waiting).with_status(rollout=RolloutStatus(stable=stable.number))
        return draft.tell("RolloutWithdrawn", f"spec asks for version {stable.number} again")
    return draft


def _supersede(draft: Draft, versions: list[Version]) -> Draft:
    for version in versions:
        gone = version.model_copy(update={"state": VersionState.SUPERSEDED, "retired": draft.now})
        draft = draft.with_version(gone)
    return draft


def _begin(draft: Draft, candidate: Version, stable: Version | None) -> Draft:
    first = steps_of(draft, stable)[0]
    rollout = RolloutStatus(
        stable=stable.number if stable else None,
        candidate=candidate.number,
        step=0,
        weight=first.weight,
        started=draft.now,
        step_requested=draft.now,
    )
    share = f"with {first.weight}% of the traffic" if stable else "as the first version"
    return draft.with_status(rollout=rollout).tell("RolloutStarted", f"version {candidate.number} {share}")


def _canary(draft: Draft, stable: Version | None, candidate: Version) -> Draft:
    rollout = draft.status.rollout
    steps = steps_of(draft, stable)
    step = min(rollout.step or 0, len(steps) - 1)
    weight = steps[step].weight
    if weight != rollout.weight or step != rollout.step:
        # The steps were edited on the way: the step goes by its number, its bake begins anew.
        changed = rollout.model_copy(update={"step": step, "weight": weight, "step_started": None})
        draft = draft.with_status(rollout=changed)
    service = serve(draft, arrangement(draft, stable, candidate, weight))
    draft = service.draft.busy("RollingOut", f"version {candidate.number} at {weight}%, step {step + 1}/{len(steps)}")
    return _judge(draft, service, candidate, steps, step)


def _judge(draft: Draft, service: Service, candidate: Version, steps: tuple[Step, ...], step: int) -> Draft:
    rollout, reading = draft.status.rollout, service.candidate
    if service.effective is None or reading is None:
        return draft
    baking = rollout.step_started is not None
    if reading.readiness is Readiness.FAILED and baking:
        return _roll_back(draft, candidate, "CandidateFailed", reading.message or "its predictor failed")
    if reading.readiness is not Readiness.READY:
        return _await_readiness(draft, candidate, reading.readiness, reading.message)
    if not service.effective:
        note = f"version {candidate.number} is ready; traffic is being shifted"
        return draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "ShiftingTraffic", note)
    return _bake(draft, candidate, steps, step)


def _await_readiness(draft: Draft, candidate: Version, readiness: Readiness, message: str) -> Draft:
    asked = draft.status.rollout.step_requested or draft.now
    left = asked + seconds_of(draft.spec.rollout.progress_deadline) - draft.now
    deadline = draft.spec.rollout.progress_deadline
    if left.total_seconds() <= 0:
        why = f"it was not ready within {deadline}" + (f": {message}" if message else "")
        return _roll_back(draft, candidate, "ProgressDeadlineExceeded", why)
    if readiness is Readiness.FAILED:
        note = f"version {candidate.number} does not become ready: {message}" if message else "its predictor failed"
        draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.FALSE, "CandidateFailing", note)
    else:
        note = f"version {candidate.number} is starting; it has {deadline} to become ready"
        draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.UNKNOWN, "CandidateStarting", note)
    return draft.look_again(left)


def _bake(draft: Draft, candidate: Version, steps: tuple[Step, ...], step: int) -> Draft:
    rollout, weight = draft.status.rollout, steps[step].weight
    started = rollout.step_started
    if started is None:
        started = draft.now
        draft = draft.with_status(rollout=rollout.model_copy(update={"step_started": started}))
        draft = draft.tell("TrafficShifted", f"version {candidate.number} has {weight}% of the traffic")
    note = f"version {candidate.number} answers {weight}% of the traffic"
    draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "CandidateReady", note)
    left = started + seconds_of(steps[step].bake) - draft.now
    if left.total_seconds() > 0:
        return draft.look_again(left)
    if step + 1 == len(steps):
        return _promote(draft, candidate)
    return _advance(draft, steps, step + 1, draft.now)


def _advance(draft: Draft, steps: tuple[Step, ...], step: int, now: datetime) -> Draft:
    rollout = draft.status.rollout.model_copy(
        update={"step": step, "weight": steps[step].weight, "step_requested": now, "step_started": None}
    )
    return draft.with_status(rollout=rollout).look_again(AT_ONCE)


def _promote(draft: Draft, candidate: Version) -> Draft:
    before = _stable(draft)
    if before is not None:
        draft = _supersede(draft, [before])
    current = draft.status.version(candidate.number) or candidate
    promoted = current.model_copy(update={"state": VersionState.STABLE, "promoted": draft.now, "retired": None})
    draft = draft.with_version(promoted).with_status(rollout=RolloutStatus(stable=candidate.number))
    draft = draft.find(
        ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "Promoted", f"version {candidate.number} was promoted"
    )
    draft = draft.tell("Promoted", f"version {candidate.number} is in service")
    return draft.look_again(AT_ONCE)


def _roll_back(draft: Draft, candidate: Version, reason: str, why: str) -> Draft:
    stable = _stable(draft)
    message = f"version {candidate.number} was rolled back: {why}"
    current = draft.status.version(candidate.number) or candidate
    gone = current.model_copy(
        update={"state": VersionState.ROLLED_BACK, "retired": draft.now, "reason": f"{reason}: {why}"}
    )
    draft = draft.with_version(gone).reject_key(candidate.key, reason, message)
    draft = draft.with_status(rollout=RolloutStatus(stable=stable.number if stable else None))
    draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.FALSE, reason, message)
    return draft.warn("RolledBack", message).busy("RollingBack", message).look_again(AT_ONCE)


def _settle(draft: Draft, stable: Version) -> Draft:
    service = serve(draft, arrangement(draft, stable, None, 0))
    if service.effective is False:
        return service.draft.busy("Settling", f"all traffic is to go to version {stable.number}")
    return service.draft


def _pin(draft: Draft, number: int) -> Draft:
    """Serve exactly the version that rollbackTo names. A candidate waits until the pin is gone."""
    stable, pinned = _stable(draft), draft.status.version(number)
    if pinned is None or pinned.promoted is None:
        what = "is not in status.versions" if pinned is None else "was never in service"
        message = f"spec.rollbackTo names version {number}, which {what}: choose another or remove the field"
        draft = draft.blocked("InvalidRollback", message)
        return _settle(draft, stable) if stable else draft
    if draft.status.rollout.candidate is not None:
        draft = draft.with_status(rollout=RolloutStatus(stable=draft.status.rollout.stable))
    service = serve(draft, arrangement(draft, pinned, None, 0))
    draft = service.draft
    if stable is not None and stable.number == number:
        return draft
    draft = draft.busy("RollingBack", f"spec.rollbackTo brings version {number} back into service")
    return _pinned(draft, stable, pinned.number) if service.effective else draft


def _pinned(draft: Draft, stable: Version | None, number: int) -> Draft:
    if stable is not None:
        draft = _supersede(draft, [stable])
    pinned = draft.status.version(number)
    if pinned is None:
        raise AssertionError("a pinned version is never forgotten")
    back = pinned.model_copy(update={"state": VersionState.STABLE, "promoted": draft.now, "retired": None})
    draft = draft.with_version(back).with_status(rollout=RolloutStatus(stable=number))
    message = f"version {number} is in service as spec.rollbackTo asks"
    return draft.tell("RolledBackTo", message).look_again(AT_ONCE)
