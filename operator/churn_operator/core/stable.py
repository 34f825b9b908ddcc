"""The version in service: kept there, or replaced by the one that spec.rollbackTo names."""

from __future__ import annotations

from datetime import datetime, timedelta

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import seconds_of
from churn_operator.api.v1alpha1.status import RolloutStatus, Version, VersionState
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.ending import supersede
from churn_operator.core.serve import WAITING, arrangement, serve
from churn_operator.core.traffic import Readiness, Reading


def keep(draft: Draft, stable: Version) -> Draft:
    """Give the stable version everything; after a rollback that is what is left of it."""
    reconciling = draft.status.condition(ConditionType.RECONCILING)
    if reconciling is not None and reconciling.reason == "RollingBack":
        return _settle(draft, stable, "RollingBack", f"all traffic goes back to version {stable.number}")[0]
    return _settle(draft, stable, "Settling", f"all traffic is to go to version {stable.number}")[0]


def pin(draft: Draft, number: int) -> Draft:
    """Serve exactly the version that rollbackTo names. A candidate waits until the pin is gone."""
    stable, pinned = draft.stable, draft.status.version(number)
    if pinned is None or pinned.promoted is None:
        what = "is not in status.versions" if pinned is None else "was never in service"
        message = f"spec.rollbackTo names version {number}, which {what}: choose another or remove the field"
        draft = keep(draft, stable) if stable else draft
        return draft.hindered("InvalidRollback", message)
    if stable is not None and stable.number == number:
        return keep(draft, stable)
    message = f"spec.rollbackTo brings version {number} back into service"
    draft, serves = _settle(draft, pinned, "RollingBack", message)
    return _pinned(draft, stable, number) if serves else draft


def _settle(draft: Draft, version: Version, reason: str, message: str) -> tuple[Draft, bool]:
    """Give one version everything. Answers whether it has it and is ready; `reason` and `message` tell of the
    work until then."""
    service = serve(draft, arrangement(draft, version, None))
    draft, reading = service.draft, service.stable
    if service.effective is None:
        return draft, False
    if reading is not None and reading.readiness is Readiness.FAILED:
        why = reading.message or "its predictor failed"
        hint = "correct spec.serving, or pin another version by spec.rollbackTo"
        return draft.hindered("PredictorFailed", f"version {version.number} cannot serve: {why}; {hint}"), False
    if service.effective and reading is not None and reading.readiness is Readiness.READY:
        return _timed(draft, None), True
    return _wait(draft, version, reading, reason, message), False


def _wait(draft: Draft, version: Version, reading: Reading | None, reason: str, message: str) -> Draft:
    """Work goes on after the progress deadline, but a person is told that it does not get anywhere."""
    asked = draft.status.rollout.step_requested or draft.now
    deadline = draft.spec.rollout.progress_deadline
    left = asked + seconds_of(deadline) - draft.now
    draft = _timed(draft, asked).look_again(WAITING)
    if left > timedelta(0):
        return draft.busy(reason, message).look_again(left)
    late = f"version {version.number} was not ready within {deadline}"
    why = (reading.message if reading else "") or "see its InferenceService, and the pods and the traffic of it"
    return draft.hindered("ProgressDeadlineExceeded", f"{late}: {why}")


def _timed(draft: Draft, asked: datetime | None) -> Draft:
    """A draft that remembers since when one version is to have everything."""
    return draft if draft.status.rollout.step_requested == asked else draft.with_rollout(step_requested=asked)


def _pinned(draft: Draft, stable: Version | None, number: int) -> Draft:
    if stable is not None:
        draft = supersede(draft, [stable])
    pinned = draft.status.version(number)
    if pinned is None:
        raise AssertionError("a pinned version is never forgotten")
    back = pinned.model_copy(update={"state": VersionState.STABLE, "promoted": draft.now, "retired": None})
    draft = draft.with_version(back).with_status(rollout=RolloutStatus(stable=number))
    message = f"version {number} is in service as spec.rollbackTo asks"
    return draft.tell("RolledBackTo", message).look_again(AT_ONCE)
