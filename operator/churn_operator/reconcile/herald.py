"""What is told of a pass once its status is persisted: Kubernetes Events, CloudEvents, event hooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from churn_operator.api.v1alpha1 import ChurnModelSpec
from churn_operator.core.actions import Decision, Event
from churn_operator.core.hook_calls import event_calls
from churn_operator.core.notifications import Notification
from churn_operator.core.observation import Subject
from churn_operator.ports import Hooks, Notifier
from churn_operator.reconcile.recorder import EventRecorder


@dataclass(frozen=True)
class Herald:
    """Hands each event on to whoever wants to hear of it. All of them work behind the passes and may lose one."""

    recorder: EventRecorder
    notifier: Notifier
    hooks: Hooks

    def tell(self, subject: Subject, decision: Decision, now: datetime) -> None:
        """Tell of every event of a decision; `now` is the time at which it was made."""
        for event in decision.events:
            self.recorder.record(subject.key, subject.uid, event)
            self.notifier.publish(_notification(subject, decision, event, now))
            if isinstance(subject.spec, ChurnModelSpec):
                for call in event_calls(subject.key, subject.spec, decision.status, event, now):
                    self.hooks.tell(call)


def _notification(subject: Subject, decision: Decision, event: Event, now: datetime) -> Notification:
    rollout = decision.status.rollout
    return Notification(
        key=subject.key,
        uid=subject.uid,
        event=event,
        occurred=now,
        stable=rollout.stable,
        candidate=rollout.candidate,
    )
