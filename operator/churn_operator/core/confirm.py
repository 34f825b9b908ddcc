"""Asking the webhooks of a rollout: may it go on, and should it go back?

First the intent stands in status.rollout.awaiting, then the hooks are asked, then their answers decide. A crash
in between asks again; what was let pass stands in status.rollout.confirmed and is not asked twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus
from churn_operator.api.v1alpha1.rollout import Hook, HookType
from churn_operator.api.v1alpha1.status import Confirmation, Version
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.hook_calls import PACE
from churn_operator.core.observation import NOT_ASKED, HookAnswer, Unknown


@dataclass(frozen=True)
class Confirmed:
    """What hooks decided: `go` on with what was asked about, which for rollback_wished is the rollback."""

    draft: Draft
    go: bool
    message: str = ""


def confirm(draft: Draft, moment: HookType, candidate: Version) -> Confirmed:
    """Whether all hooks of this moment let the rollout go on; without such hooks it does.

    `confirm-rollout` is asked once a rollout, the others once a step: the step that is now in status.
    """
    hooks = _hooks(draft, moment)
    if not hooks or _is_confirmed(draft, moment):
        return Confirmed(_arrived(draft, moment), True)
    observed = draft.observation.subject.status.rollout
    if (observed.awaiting, observed.candidate) != (moment.value, candidate.number) or not _asked(draft):
        return Confirmed(_with_rollout(draft, awaiting=moment.value).look_again(AT_ONCE), False)
    holding = [(hook, answer) for hook, answer in _answers(draft, hooks) if not answer.confirmed]
    if holding:
        return _hold(draft, moment, candidate, holding)
    step = draft.status.rollout.step or 0
    confirmed = (*draft.status.rollout.confirmed, Confirmation(type=moment, step=step))
    return Confirmed(_arrived(_with_rollout(draft, confirmed=confirmed), moment), True)


def rollback_wished(draft: Draft, candidate: Version) -> Confirmed:
    """Whether a rollback hook wants the candidate gone. One that does not answer wants nothing."""
    hooks = _hooks(draft, HookType.ROLLBACK)
    if not hooks:
        return Confirmed(draft, False)
    draft = draft.look_again(PACE)
    if draft.observation.subject.status.rollout.candidate != candidate.number or not _asked(draft):
        return Confirmed(draft, False)
    wishing = [hook.name for hook, answer in _answers(draft, hooks) if answer.confirmed]
    return Confirmed(draft, bool(wishing), f"hook {wishing[0]} asks for it" if wishing else "")


def _hooks(draft: Draft, moment: HookType) -> tuple[Hook, ...]:
    return tuple(hook for hook in draft.spec.rollout.hooks if hook.type is moment)


def _is_confirmed(draft: Draft, moment: HookType) -> bool:
    step = draft.status.rollout.step or 0
    return any(
        each.type is moment and (each.step == step or moment is HookType.CONFIRM_ROLLOUT)
        for each in draft.status.rollout.confirmed
    )


def _asked(draft: Draft) -> bool:
    return draft.observation.hooks is not NOT_ASKED


def _answers(draft: Draft, hooks: tuple[Hook, ...]) -> list[tuple[Hook, HookAnswer]]:
    """The answers of these hooks; one that was not heard confirms nothing."""
    seen = draft.observation.hooks
    if isinstance(seen, Unknown):
        return [(hook, HookAnswer(False, seen.message)) for hook in hooks]
    return [(hook, seen.value.get(hook.name, HookAnswer(False, "it was not asked yet"))) for hook in hooks]


def _hold(draft: Draft, moment: HookType, candidate: Version, holding: list[tuple[Hook, HookAnswer]]) -> Confirmed:
    said = "; ".join(f"hook {hook.name}: {answer.message or 'it does not confirm'}" for hook, answer in holding)
    message = f"version {candidate.number} waits for {moment.value}: {said}"
    before = draft.status.condition(ConditionType.CANARY_HEALTHY)
    if before is None or before.reason != "AwaitingHook":
        draft = draft.tell("AwaitingHook", message)
    draft = _with_rollout(draft, awaiting=moment.value)
    seen = ConditionStatus.UNKNOWN if draft.status.rollout.step_started is None else ConditionStatus.TRUE
    draft = draft.find(ConditionType.CANARY_HEALTHY, seen, "AwaitingHook", message)
    return Confirmed(draft.look_again(PACE), False, message)


def _arrived(draft: Draft, moment: HookType) -> Draft:
    waited = draft.status.rollout.awaiting == moment.value
    return _with_rollout(draft, awaiting=None) if waited else draft


def _with_rollout(draft: Draft, **changes: Any) -> Draft:
    return draft.with_status(rollout=draft.status.rollout.model_copy(update=changes))
