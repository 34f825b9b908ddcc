"""Which webhooks a rollout asks, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, Phase
from churn_operator.api.v1alpha1.rollout import Hook, HookType
from churn_operator.core.actions import Event
from churn_operator.core.hooks import HookCall, event_metadata
from churn_operator.core.observation import ObjectKey

PACE = timedelta(seconds=10)
"""How often a hook is asked that holds the rollout, or that could turn it back."""

_CONFIRMING = (HookType.CONFIRM_ROLLOUT, HookType.CONFIRM_TRAFFIC_INCREASE, HookType.CONFIRM_PROMOTION)

_PHASES = {
    Phase.PENDING: "Initializing",
    Phase.TRAINING: "Initializing",
    Phase.ROLLING_OUT: "Progressing",
    Phase.ROLLING_BACK: "Failed",
    Phase.SERVING: "Succeeded",
    Phase.PINNED: "Succeeded",
    Phase.SUSPENDED: "Waiting",
    Phase.FAILED: "Failed",
    Phase.DELETING: "Terminating",
}
"""Where a ChurnModel stands, in Flagger's words."""

_ASKED_IN = {
    HookType.CONFIRM_ROLLOUT: "Waiting",
    HookType.CONFIRM_TRAFFIC_INCREASE: "Progressing",
    HookType.CONFIRM_PROMOTION: "WaitingPromotion",
    HookType.ROLLBACK: "Progressing",
}
"""Where a rollout stands when its hooks are asked."""


@dataclass(frozen=True)
class HooksQuestion:
    """What does each of these hooks answer? An answer that is no older than `max_age` will do."""

    calls: tuple[HookCall, ...]
    max_age: timedelta = PACE


def hooks_question(key: ObjectKey, spec: ChurnModelSpec, status: ChurnModelStatus) -> HooksQuestion | None:
    """The hooks of the moment that status awaits, and those that may turn the rollout back at any moment."""
    if status.rollout.candidate is None:
        return None
    asked = [moment for moment in _CONFIRMING if moment.value == status.rollout.awaiting]
    hooks = [hook for hook in spec.rollout.hooks if hook.type in (HookType.ROLLBACK, *asked)]
    return HooksQuestion(tuple(_call(key, status, hook) for hook in hooks)) if hooks else None


def event_calls(
    key: ObjectKey, spec: ChurnModelSpec, status: ChurnModelStatus, event: Event, now: datetime
) -> tuple[HookCall, ...]:
    """The event hooks' calls about an event."""
    version = status.version(status.rollout.candidate) or status.version(status.rollout.stable)
    return tuple(
        HookCall(
            key=key,
            hook=hook,
            phase=_PHASES[status.phase],
            checksum=version.key if version else "",
            metadata=event_metadata(event, now),
        )
        for hook in spec.rollout.hooks
        if hook.type is HookType.EVENT
    )


def _call(key: ObjectKey, status: ChurnModelStatus, hook: Hook) -> HookCall:
    rollout = status.rollout
    candidate = status.version(rollout.candidate)
    told = {"stable": rollout.stable, "candidate": rollout.candidate, "step": rollout.step, "weight": rollout.weight}
    return HookCall(
        key=key,
        hook=hook,
        phase=_ASKED_IN[hook.type],
        checksum=candidate.key if candidate else "",
        metadata=tuple((name, str(value)) for name, value in told.items() if value is not None),
    )
