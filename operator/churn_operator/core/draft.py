"""A decision in the making: each subject adds what it finds to a draft and hands it on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from churn_operator.api.conditions import ConditionType, Finding
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus
from churn_operator.api.v1alpha1.status import RejectedKey, Version
from churn_operator.core.actions import Action, Event, EventType
from churn_operator.core.observation import Observation, Unknown

AT_ONCE = timedelta(0)
UNSEEN = timedelta(seconds=10)
"""How soon to look again at what could not be seen."""


@dataclass(frozen=True)
class Draft:
    """What a pass has decided so far. `work` says what is under way; `obstacle` what needs a person."""

    observation: Observation
    spec: ChurnModelSpec
    status: ChurnModelStatus
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    findings: tuple[Finding, ...] = ()
    requeue_after: timedelta | None = None
    work: tuple[str, str] | None = None
    obstacle: tuple[str, str] | None = None

    @property
    def now(self) -> datetime:
        """The time of this pass."""
        return self.observation.now

    def with_status(self, **changes: Any) -> Draft:
        """A draft whose status has these fields."""
        return replace(self, status=self.status.model_copy(update=changes))

    def act(self, action: Action) -> Draft:
        """A draft with one more action."""
        return replace(self, actions=(*self.actions, action))

    def tell(self, reason: str, message: str, kind: EventType = EventType.NORMAL) -> Draft:
        """A draft with one more event."""
        return replace(self, events=(*self.events, Event(kind, reason, message)))

    def warn(self, reason: str, message: str) -> Draft:
        """A draft with one more warning."""
        return self.tell(reason, message, EventType.WARNING)

    def find(self, kind: ConditionType, status: ConditionStatus, reason: str, message: str) -> Draft:
        """A draft with a finding; the last one about a condition counts."""
        others = tuple(finding for finding in self.findings if finding.type is not kind)
        return replace(self, findings=(*others, Finding(kind, status, reason, message)))

    def unseen(self, kind: ConditionType, unknown: Unknown) -> Draft:
        """A draft that says a condition could not be judged, and looks again soon."""
        if not unknown.message:
            return self.look_again(AT_ONCE)
        return self.find(kind, ConditionStatus.UNKNOWN, unknown.reason, unknown.message).look_again(UNSEEN)

    def look_again(self, after: timedelta) -> Draft:
        """A draft that looks again no later than this."""
        soonest = after if self.requeue_after is None else min(after, self.requeue_after)
        return replace(self, requeue_after=max(soonest, AT_ONCE))

    def busy(self, reason: str, message: str) -> Draft:
        """A draft with work under way: condition Reconciling."""
        return replace(self, work=(reason, message))

    def blocked(self, reason: str, message: str) -> Draft:
        """A draft that a person must help: condition Stalled."""
        return replace(self, obstacle=(reason, message))

    def with_version(self, version: Version) -> Draft:
        """A draft whose status has this version in place of the one with its number, or as a new one."""
        others = tuple(known for known in self.status.versions if known.number != version.number)
        return self.with_status(versions=tuple(sorted((*others, version), key=lambda one: one.number)))

    def reject_key(self, key: str, reason: str, message: str) -> Draft:
        """A draft that never tries this training key again."""
        entry = RejectedKey(key=key, reason=reason, message=message, time=self.now)
        others = tuple(known for known in self.status.rejected_keys if known.key != key)
        return self.with_status(rejected_keys=(*others, entry)[-REMEMBERED_REJECTIONS:])

    def rejection(self, key: str) -> RejectedKey | None:
        """Why this key is not tried again, or None."""
        return next((entry for entry in self.status.rejected_keys if entry.key == key), None)


REMEMBERED_REJECTIONS = 100
