"""A decision in the making: each subject adds what it finds to a draft and hands it on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from churn_operator.api.conditions import ConditionType, Finding
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus
from churn_operator.api.v1alpha1.status import AbandonedTraining, RejectedKey, Version
from churn_operator.core.actions import Action, Event, EventType
from churn_operator.core.observation import Fault, Observation, Unknown
from churn_operator.core.sentences import LONGEST_MESSAGE, shortened

AT_ONCE = timedelta(0)
UNSEEN = timedelta(seconds=10)
"""How soon to look again at what could not be seen."""
REMEMBERED_REJECTIONS = 100
REMEMBERED_TRAININGS = 20


@dataclass(frozen=True, kw_only=True)
class BareDraft:
    """What a pass has decided so far about an object whose spec it does not need, or cannot read.

    `work` says what is under way, `obstacle` what needs a person, each as (reason, sentence); `complaint` is
    that of the two which a warning tells of when it is new.
    """

    observation: Observation
    status: ChurnModelStatus
    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    findings: tuple[Finding, ...] = ()
    requeue_after: timedelta | None = None
    work: tuple[str, str] | None = None
    obstacle: tuple[str, str] | None = None
    complaint: tuple[str, str] | None = None

    @property
    def now(self) -> datetime:
        """The time of this pass."""
        return self.observation.now

    def with_status(self, **changes: Any) -> Self:
        """A draft whose status has these fields."""
        return replace(self, status=self.status.model_copy(update=changes))

    def act(self, action: Action) -> Self:
        """A draft with one more action."""
        return replace(self, actions=(*self.actions, action))

    def tell(self, reason: str, message: str, kind: EventType = EventType.NORMAL) -> Self:
        """A draft with one more event."""
        return replace(self, events=(*self.events, Event(kind, reason, message)))

    def warn(self, reason: str, message: str) -> Self:
        """A draft with one more warning."""
        return self.tell(reason, message, EventType.WARNING)

    def find(self, kind: ConditionType, status: ConditionStatus, reason: str, message: str) -> Self:
        """A draft with a finding; the last one about a condition counts."""
        others = tuple(finding for finding in self.findings if finding.type is not kind)
        return replace(self, findings=(*others, Finding(kind, status, reason, shortened(message, LONGEST_MESSAGE))))

    def unseen(self, kind: ConditionType, unknown: Unknown) -> Self:
        """A draft that says a condition could not be judged, and looks again soon."""
        if not unknown.message:
            return self.look_again(AT_ONCE)
        return self.find(kind, ConditionStatus.UNKNOWN, unknown.reason, unknown.message).look_again(UNSEEN)

    def look_again(self, after: timedelta) -> Self:
        """A draft that looks again no later than this."""
        soonest = after if self.requeue_after is None else min(after, self.requeue_after)
        return replace(self, requeue_after=max(soonest, AT_ONCE))

    def busy(self, reason: str, message: str) -> Self:
        """A draft with work under way: condition Reconciling."""
        return replace(self, work=(reason, message))

    def delayed(self, reason: str, message: str) -> Self:
        """A draft whose work is held up by something that may pass: Reconciling, and a warning. The first message
        stays while the reason does: error texts vary from call to call, and each change would be a write."""
        before = self.status.condition(ConditionType.RECONCILING)
        if before is not None and before.reason == reason:
            message = before.message
        return replace(self, work=(reason, message), complaint=(reason, message)).look_again(UNSEEN)

    def blocked(self, reason: str, message: str) -> Self:
        """A draft that a person must help and that has told so before: condition Stalled."""
        return replace(self, obstacle=(reason, message))

    def hindered(self, reason: str, message: str) -> Self:
        """A draft that a person must help: Stalled, and a warning."""
        return replace(self, obstacle=(reason, message), complaint=(reason, message))

    def fault_of(self, action: str) -> Fault | None:
        """How an action of this class failed in this pass, or None."""
        return next((fault for fault in self.observation.faults if fault.action == action), None)


@dataclass(frozen=True, kw_only=True)
class Draft(BareDraft):
    """What a pass has decided so far. `fingerprint` is that of the spec's training part."""

    spec: ChurnModelSpec
    fingerprint: str

    def with_version(self, version: Version) -> Draft:
        """A draft whose status has this version in place of the one with its number, or as a new one."""
        others = tuple(known for known in self.status.versions if known.number != version.number)
        return self.with_status(versions=tuple(sorted((*others, version), key=lambda one: one.number)))

    def with_rollout(self, **changes: Any) -> Draft:
        """A draft whose status.rollout has these fields."""
        return self.with_status(rollout=self.status.rollout.model_copy(update=changes))

    @property
    def stable(self) -> Version | None:
        """The version in service, if there is one."""
        return self.status.version(self.status.rollout.stable)

    @property
    def candidate(self) -> Version | None:
        """The version on its way into service, if there is one."""
        return self.status.version(self.status.rollout.candidate)

    def reject_key(self, key: str, reason: str, message: str) -> Draft:
        """A draft that never tries this training key again."""
        entry = RejectedKey(key=key, reason=reason, message=shortened(message), time=self.now)
        others = tuple(known for known in self.status.rejected_keys if known.key != key)
        return self.with_status(rejected_keys=(*others, entry)[-REMEMBERED_REJECTIONS:])

    def abandon(self, key: str, attempt: int) -> Draft:
        """A draft that remembers how far a training came that is left without a version: the next one counts on."""
        others = tuple(left for left in self.status.abandoned if left.key != key)
        left = AbandonedTraining(key=key, attempt=attempt)
        return self.with_status(abandoned=(*others, left)[-REMEMBERED_TRAININGS:])

    def rejection(self, key: str) -> RejectedKey | None:
        """Why this key is not tried again, or None."""
        return next((entry for entry in self.status.rejected_keys if entry.key == key), None)

    def forget_rejection(self, key: str) -> Draft:
        """A draft that may try this training key again."""
        others = tuple(known for known in self.status.rejected_keys if known.key != key)
        return self.with_status(rejected_keys=others)

    @property
    def wished_key(self) -> str | None:
        """The training key that spec and data ask for; None while the data for this spec, and for its own pipeline
        if it has one, is not adopted."""
        dataset, pipeline = self.status.dataset, self.status.pipeline
        if dataset is None or dataset.fingerprint != self.fingerprint:
            return None
        if self.spec.training.pipeline is None:
            return dataset.key
        return dataset.key if pipeline is not None and pipeline.digest == dataset.pipeline else None

    @property
    def wished_version(self) -> Version | None:
        """The version with the wished key, the newest if there are several."""
        key = self.wished_key
        return next((version for version in reversed(self.status.versions) if version.key == key), None)
