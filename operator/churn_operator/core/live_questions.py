"""When to look at the live traffic of a rollout, and what to ask then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, seconds_of
from churn_operator.api.v1alpha1.rollout import Analysis
from churn_operator.api.v1alpha1.status import RolloutStatus
from churn_operator.core.live_traffic import TrafficQuestion, TrafficWindow
from churn_operator.core.observation import ObjectKey

AWAITING_ANALYSIS = "Analysis"
"""In status.rollout.awaiting: the step's bake is over, and its last look is to be taken now."""


@dataclass(frozen=True)
class LookQuestion:
    """What did both versions answer, and what do the user's own queries give?

    Attributes:
        traffic: about both versions, in the steps so far.
        templates: (name of check, PromQL template) of each check with a query.
    """

    traffic: TrafficQuestion
    templates: tuple[tuple[str, str], ...]


def look_question(key: ObjectKey, spec: ChurnModelSpec, status: ChurnModelStatus, now: datetime) -> LookQuestion | None:
    """What to ask if a look at the rollout's traffic is due, else None."""
    analysis, rollout = spec.rollout.analysis, status.rollout
    if analysis is None or rollout.stable is None or rollout.candidate is None:
        return None
    seen = windows(rollout, now)
    if not seen or not is_due(rollout, analysis, now):
        return None
    traffic = TrafficQuestion(
        prometheus=analysis.prometheus,
        key=key,
        stable=rollout.stable,
        candidate=rollout.candidate,
        windows=seen,
        interval=seconds_of(analysis.interval),
    )
    return LookQuestion(traffic, tuple((check.name, check.query) for check in analysis.checks if check.query))


def is_due(rollout: RolloutStatus, analysis: Analysis, now: datetime) -> bool:
    """Whether a look is to be taken: after each interval, and once when a step's bake is over. Between steps, while
    the traffic shifts, none is."""
    if rollout.step_started is None:
        return False
    return rollout.awaiting == AWAITING_ANALYSIS or until_next(rollout, analysis, now) <= timedelta(0)


def until_next(rollout: RolloutStatus, analysis: Analysis, now: datetime) -> timedelta:
    """Time to the next look of the interval; the first comes an interval after the candidate first had traffic."""
    began = rollout.steps[0].started if rollout.steps else rollout.step_started
    last = rollout.analysis.last_run if rollout.analysis else began
    return (last or now) + seconds_of(analysis.interval) - now


def windows(rollout: RolloutStatus, now: datetime) -> tuple[TrafficWindow, ...]:
    """The steps so far, without those that took no time."""
    spans = [(step.started, step.ended or now) for step in rollout.steps]
    if not spans and rollout.step_started is not None:
        spans = [(rollout.step_started, now)]
    return tuple(TrafficWindow(start, end) for start, end in spans if end > start)
