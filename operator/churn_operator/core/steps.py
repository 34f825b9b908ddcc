"""The steps of a rollout, whatever its strategy: how much of the traffic, for how long, and what then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from churn_operator.api.v1alpha1 import seconds_of
from churn_operator.api.v1alpha1.common import GROUP
from churn_operator.api.v1alpha1.rollout import Rollout, Step, Strategy
from churn_operator.api.v1alpha1.status import RolloutStatus, Version


@dataclass(frozen=True)
class RolloutStep:
    """One step: percent of live traffic, percent of requests mirrored while that is 0, how long it lasts once that
    is in effect, and whether it then waits for a person."""

    weight: int
    bake: timedelta
    mirror: int = 0
    approval: bool = False

    @property
    def share(self) -> str:
        """What the candidate gets, in words."""
        return f"{self.mirror}% mirrored" if self.mirror else f"{self.weight}%"


AT_ONCE = RolloutStep(weight=100, bake=timedelta(0))


def steps_of(rollout: Rollout, first: bool) -> tuple[RolloutStep, ...]:
    """At least one step; the last one always gives the candidate everything. A first rollout has nothing to split
    with and nothing to go back to, so it is over as soon as the candidate is ready."""
    if first:
        return (AT_ONCE,)
    match rollout.strategy:
        case Strategy.CANARY:
            steps = tuple(_step(step) for step in rollout.effective_steps)
            return steps if steps[-1].weight == 100 else (*steps, AT_ONCE)
        case Strategy.BLUE_GREEN:
            bake = seconds_of(rollout.bake)
            return (RolloutStep(weight=0, bake=bake), RolloutStep(weight=100, bake=bake))
        case Strategy.IMMEDIATE:
            return (RolloutStep(weight=100, bake=seconds_of(rollout.bake)),)


def _step(step: Step) -> RolloutStep:
    weight, mirror = (0, step.weight) if step.shadow else (step.weight, 0)
    return RolloutStep(weight, seconds_of(step.bake), mirror, step.approval)


def work_of(rollout: RolloutStatus, candidate: Version, count: int) -> tuple[str, str]:
    """Reason and sentence of condition Reconciling while the candidate is on its way by `count` steps: where it is, and
    what a person has asked for, or has to do for it to go on."""
    name = f"version {candidate.number}"
    share = f"{rollout.mirror}% mirrored" if rollout.mirror else f"{rollout.weight}%"
    place = f"at {share}, step {min((rollout.step or 0) + 1, count)}/{count}"
    if rollout.paused:
        hint = f"annotate the ChurnModel with {GROUP}/resume={candidate.number} to go on"
        return "Paused", f"{name} stays {place}, as {GROUP}/pause asked: {hint}"
    if rollout.promoting:
        left = "the steps that are left, analysis, hooks and approvals are skipped"
        return (
            "RollingOut",
            f"{name} is promoted as soon as it has all of the traffic, as {GROUP}/promote asked: {left}",
        )
    if rollout.approved is not None and rollout.approved == rollout.step:
        return "RollingOut", f"{name} {place}, which is approved"
    return "RollingOut", f"{name} {place}"
