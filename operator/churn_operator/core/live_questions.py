"""When to look at the live traffic of a rollout, and what to ask then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, seconds_of
from churn_operator.api.v1alpha1.rollout import Analysis
from churn_operator.api.v1alpha1.status import RolloutStatus, StepStatus
from churn_operator.core.analysis.thresholds import BuiltIn
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
    rollout = status.rollout
    analysis = applicable(spec.rollout.analysis, rollout)
    seen = windows(rollout, now, compares_answers(analysis))
    if analysis is None or rollout.stable is None or rollout.candidate is None:
        return None
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


def applicable(analysis: Analysis | None, rollout: RolloutStatus) -> Analysis | None:
    """The analysis with those of its checks that can be made of the steps so far; None if there is none.

    Without a stable version, or before the candidate has traffic, there is nothing to look at. Where the candidate
    never had less than all of the traffic, say because the stable version had failed before, there is nothing to
    compare it with, and only the user's own queries are left.
    """
    steps = with_traffic(rollout)
    if analysis is None or rollout.stable is None or not steps:
        return None
    if any(step.weight < 100 for step in steps):
        return analysis
    own = tuple(check for check in analysis.checks if check.query is not None)
    return analysis.model_copy(update={"checks": own}) if own else None


def compares_answers(analysis: Analysis | None) -> bool:
    """Whether a candidate's answers to mirrored requests are to be compared with the stable version's."""
    checks = analysis.checks if analysis is not None else ()
    return any(check.name == BuiltIn.DISAGREEMENT and check.query is None for check in checks)


def is_due(rollout: RolloutStatus, analysis: Analysis, now: datetime) -> bool:
    """Whether a look is to be taken: after each interval, and once when a step's bake is over. Between steps, while
    the traffic shifts, none is."""
    if rollout.step_started is None:
        return False
    return rollout.awaiting == AWAITING_ANALYSIS or until_next(rollout, analysis, now) <= timedelta(0)


def until_next(rollout: RolloutStatus, analysis: Analysis, now: datetime) -> timedelta:
    """Time to the next look of the interval; the first comes an interval after the candidate first had traffic."""
    steps = with_traffic(rollout)
    began = steps[0].started if steps else now
    last = rollout.analysis.last_run if rollout.analysis else began
    return last + seconds_of(analysis.interval) - now


def windows(rollout: RolloutStatus, now: datetime, compared: bool) -> tuple[TrafficWindow, ...]:
    """The steps with traffic so far, but for those that took no time. `compared` says whether answers to mirrored
    requests are."""
    spans = [(step.started, step.ended or now, step.mirror > 0) for step in with_traffic(rollout)]
    return tuple(TrafficWindow(start, end, compared and mirrored) for start, end, mirrored in spans if end > start)


def with_traffic(rollout: RolloutStatus) -> tuple[StepStatus, ...]:
    """The steps so far in which the candidate answered requests, or got copies of them."""
    return tuple(step for step in rollout.steps if step.weight or step.mirror)
