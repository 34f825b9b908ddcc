"""What webhooks are asked and told, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from churn_operator.api.v1alpha1.rollout import Hook
from churn_operator.core.actions import Event
from churn_operator.core.observation import HookAnswer as HookAnswer
from churn_operator.core.observation import ObjectKey


@dataclass(frozen=True)
class HookCall:
    """One call of one hook.

    Attributes:
        key: the ChurnModel.
        hook: as in spec; its Secret is in the ChurnModel's namespace.
        phase: where the rollout stands, in Flagger's words: Progressing, WaitingPromotion, Promoting, Failed ...
        checksum: of what is rolled out, i.e. the candidate's training key.
        metadata: further (name, value) pairs for the receiver.
    """

    key: ObjectKey
    hook: Hook
    phase: str
    checksum: str
    metadata: tuple[tuple[str, str], ...] = ()


def event_metadata(event: Event, now: datetime) -> tuple[tuple[str, str], ...]:
    """What an event hook is told, under Flagger's names; the timestamp is in milliseconds since 1970."""
    return (
        ("eventMessage", event.message),
        ("eventType", event.type.value),
        ("eventReason", event.reason),
        ("timestamp", str(int(now.timestamp() * 1000))),
    )
