"""Rolling a version out: canary steps by weight and bake, promotion, rollback, pinning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.rollout import Step
from churn_operator.api.v1alpha1.status import RolloutStatus, Version, VersionState
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.serve import WAITING, Service, arrangement, has_failed, look, pending, serve, withdraw
from churn_operator.core.traffic import Readiness, Reading

_ALL_AT_ONCE = (Step(weight=100, bake="0s"),)


def consider_rollout(draft: Draft) -> Draft:
    """Bring the versions in service one step closer to those that should be."""
    if draft.spec.rollback_to is not None:
        return _pin(draft, draft.spec.rollback_to)
    draft = _choose_candidate(draft)
    stable, candidate = _stable(draft), _candidate(draft)
    if candidate is not None and candidate.number != draft.observation.subject.status.rollout.candidate:
        # Chosen in this pass: that has to stand in status before anything serves it.
        return look(draft).busy("RollingOut", f"version {candidate.number} is next").look_again(AT_ONCE)
    if candidate is not None:
        return _canary(draft, stable, candidate)
    if stable is not None:
        return _keep(draft, stable)
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
    """Begin the rollout of the version that is wished for; what it replaces on the way is superseded. A
    candidate that another wish overtook goes on until there is a version of that wish."""
    waiting = [version for version in draft.status.versions if version.state is VersionState.CANDIDATE]
    if not waiting:
        return draft
    wished, current, stable = draft.wished_version, _candidate(draft), _stable(draft)
    if wished is not None and wished in waiting and wished != current:
        draft = _supersede(draft, [version for version in waiting if version != wished])
        return _begin(draft, wished, stable)
    if current is not None and stable is not None and wished == stable:
        draft = _supersede(draft, waiting).with_status(rollout=RolloutStatus(stable=stable.number))
        return draft.tell("RolloutWithdrawn", f"spec asks for version {stable.number} again")
    return _supersede(draft, [version for version in waiting if version not in (current, wished)])


def _supersede(draft: Draft, versions: list[Version]) -> Draft:
    for version in versions:
        gone = version.model_copy(update={"state": VersionState.SUPERSEDED, "retired": draft.now})
        draft = draft.with_version(gone)
    return draft


def _begin(draft: Draft, candidate: Version, stable: Version | None) -> Draft:
    """The first step; or the last one at once when the stable version has failed, since there is nobody to
    protect from the candidate, and no traffic can be split with what does not answer."""
    steps = steps_of(draft, stable)
    first = len(steps) - 1 if stable is not None and has_failed(draft, stable) else 0
    rollout = RolloutStatus(
        stable=stable.number if stable else None,
        candidate=candidate.number,
        step=first,
        weight=steps[first].weight,
        started=draft.now,
    )
    share = f"with {steps[first].weight}% of the traffic" if stable else "as the first version"
    return draft.with_status(rollout=rollout).tell("RolloutStarted", f"version {candidate.number} {share}")


def _canary(draft: Draft, stable: Version | None, candidate: Version) -> Draft:
    steps = steps_of(draft, stable)
    draft = _follow_edits(draft, steps)
    step = draft.status.rollout.step or 0
    weight = steps[step].weight
    wish = arrangement(draft, stable, candidate, weight)
    work = ("RollingOut", f"version {candidate.number} at {weight}%, step {step + 1}/{len(steps)}")
    asked = draft.status.rollout.step_requested is not None
    if pending(draft, wish) and asked:
        # Its time begins anew; status says so first, or a crash would make the candidate look late.
        return look(_with_rollout(draft, step_requested=None)).busy(*work).look_again(AT_ONCE)
    service = serve(draft, wish)
    if service.refused:
        return service.draft
    draft = service.draft.busy(*work)
    if service.effective is not None and not asked and not pending(draft, wish):
        draft = _with_rollout(draft, step_requested=draft.now)
    return _judge(draft, service, candidate, steps, step)


def _with_rollout(draft: Draft, **changes: Any) -> Draft:
    return draft.with_status(rollout=draft.status.rollout.model_copy(update=changes))


def _follow_edits(draft: Draft, steps: tuple[Step, ...]) -> Draft:
    """When the steps were edited on the way, the step goes by its number, and its bake begins anew."""
    rollout = draft.status.rollout
    step = min(rollout.step or 0, len(steps) - 1)
    if (steps[step].weight, step) == (rollout.weight, rollout.step):
        return draft
    return _with_rollout(draft, step=step, weight=steps[step].weight, step_requested=None, step_started=None)


def _judge(draft: Draft, service: Service, candidate: Version, steps: tuple[Step, ...], step: int) -> Draft:
    reading = service.candidate
    if service.effective is None or reading is None:
        return draft
    was_ready = draft.status.rollout.step_started is not None or reading.percent > 0
    if reading.readiness is Readiness.FAILED and was_ready:
        return _roll_back(draft, candidate, "CandidateFailed", reading.message or "its predictor failed")
    if reading.readiness is Readiness.READY and service.effective:
        return _bake(draft, candidate, steps, step)
    return _await(_interrupt_bake(draft), candidate, reading)


def _interrupt_bake(draft: Draft) -> Draft:
    """A candidate that left service, by new settings say, has its time to come back, and bakes anew."""
    if draft.status.rollout.step_started is None:
        return draft
    return _with_rollout(draft, step_started=None, step_requested=draft.now)


def _await(draft: Draft, candidate: Version, reading: Reading) -> Draft:
    """Wait until the candidate is ready and has its share, but no longer than the progress deadline after the
    data plane was seen to be asked for it: while it is out of reach, or suspended, no time runs. A candidate
    that is ready is not to blame when traffic does not follow: that needs a person, not a rollback."""
    deadline = draft.spec.rollout.progress_deadline
    asked = draft.status.rollout.step_requested or draft.now
    left = asked + seconds_of(deadline) - draft.now
    late = left.total_seconds() <= 0
    if late and reading.readiness is not Readiness.READY:
        why = f"it was not ready within {deadline}" + (f": {reading.message}" if reading.message else "")
        return _roll_back(draft, candidate, "ProgressDeadlineExceeded", why)
    status, reason, note = _progress(candidate, reading, deadline)
    draft = draft.find(ConditionType.CANARY_HEALTHY, status, reason, note)
    if late:
        note = f"version {candidate.number} is ready, but did not get its share of the traffic within {deadline}"
        return replace(draft, work=None).hindered("TrafficNotShifted", note)
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


def _bake(draft: Draft, candidate: Version, steps: tuple[Step, ...], step: int) -> Draft:
    rollout, weight = draft.status.rollout, steps[step].weight
    started = rollout.step_started
    if started is None:
        started = draft.now
        draft = _with_rollout(draft, step_started=started)
        draft = draft.tell("TrafficShifted", f"version {candidate.number} has {weight}% of the traffic")
    note = f"version {candidate.number} answers {weight}% of the traffic"
    draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "CandidateReady", note)
    left = started + seconds_of(steps[step].bake) - draft.now
    if left.total_seconds() > 0:
        return draft.look_again(left)
    if step + 1 == len(steps):
        return _promote(draft, candidate)
    return _advance(draft, steps, step + 1)


def _advance(draft: Draft, steps: tuple[Step, ...], step: int) -> Draft:
    draft = _with_rollout(draft, step=step, weight=steps[step].weight, step_requested=None, step_started=None)
    return draft.look_again(AT_ONCE)


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


def _settle(draft: Draft, version: Version, reason: str, message: str) -> tuple[Draft, bool]:
    """Give one version everything. Answers whether it has it and is ready; `reason` and `message` tell of the
    work until then."""
    service = serve(draft, arrangement(draft, version, None, 0))
    draft, reading = service.draft, service.stable
    if service.effective is None:
        return draft, False
    if reading is not None and reading.readiness is Readiness.FAILED:
        why = reading.message or "its predictor failed"
        return draft.hindered("PredictorFailed", f"version {version.number} cannot serve: {why}"), False
    if service.effective and reading is not None and reading.readiness is Readiness.READY:
        return draft, True
    return draft.busy(reason, message).look_again(WAITING), False


def _keep(draft: Draft, stable: Version) -> Draft:
    return _settle(draft, stable, "Settling", f"all traffic is to go to version {stable.number}")[0]


def _pin(draft: Draft, number: int) -> Draft:
    """Serve exactly the version that rollbackTo names. A candidate waits until the pin is gone."""
    stable, pinned = _stable(draft), draft.status.version(number)
    if stable is not None and draft.status.rollout.candidate is not None:
        draft = draft.with_status(rollout=RolloutStatus(stable=stable.number))
    if pinned is None or pinned.promoted is None:
        what = "is not in status.versions" if pinned is None else "was never in service"
        message = f"spec.rollbackTo names version {number}, which {what}: choose another or remove the field"
        draft = _keep(draft, stable) if stable else draft
        return draft.hindered("InvalidRollback", message)
    if stable is not None and stable.number == number:
        return _keep(draft, stable)
    message = f"spec.rollbackTo brings version {number} back into service"
    draft, serves = _settle(draft, pinned, "RollingBack", message)
    return _pinned(draft, stable, number) if serves else draft


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
