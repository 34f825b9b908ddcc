"""A clock that went back: times of status that lie in the future would make a rollout, a retry or a cleanup wait until
they come, which may be in years. A node with a wrong clock is enough, whoever of two operators runs there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from churn_operator.api.v1alpha1 import ChurnModelStatus
from churn_operator.api.v1alpha1.common import StatusPart
from churn_operator.api.v1alpha1.status import RolloutStatus, TrainingStatus
from churn_operator.core.training import BACK_OFF_MOST

Part = TypeVar("Part", bound=StatusPart | None)

DIFFERENCE = timedelta(minutes=1)
"""How far two clocks may differ without anything being done about it: so much longer is waited."""


def set_right(status: ChurnModelStatus, now: datetime) -> ChurnModelStatus:
    """The status with everything that counts time from a moment in the future counting from now on. The very same
    object where there is nothing to set right."""
    changes: dict[str, Any] = {}
    for name, before, after in (
        ("training", status.training, _training(status.training, now)),
        ("rollout", status.rollout, _rollout(status.rollout, now)),
        ("deletion", status.deletion, _not_after(now, status.deletion, "started")),
    ):
        if after is not before:
            changes[name] = after
    return status.model_copy(update=changes) if changes else status


def _training(training: TrainingStatus | None, now: datetime) -> TrainingStatus | None:
    training = _not_after(now, training, "requested", "started", "finished")
    # A pause lies in the future, but never further than the longest.
    return _not_after(now + BACK_OFF_MOST, training, "retry_after")


def _rollout(rollout: RolloutStatus, now: datetime) -> RolloutStatus:
    rollout = _not_after(now, rollout, "started", "step_requested", "step_started")
    steps = tuple(_not_after(now, step, "started", "ended") for step in rollout.steps)
    analysis = _not_after(now, rollout.analysis, "last_run", "inconclusive_since", "error_since")
    if analysis is rollout.analysis and all(one is two for one, two in zip(steps, rollout.steps, strict=True)):
        return rollout
    return rollout.model_copy(update={"steps": steps, "analysis": analysis})


def _not_after(latest: datetime, part: Part, *fields: str) -> Part:
    if part is None:
        return part
    future = [name for name in fields if (getattr(part, name) or latest) > latest + DIFFERENCE]
    return part.model_copy(update=dict.fromkeys(future, latest)) if future else part
