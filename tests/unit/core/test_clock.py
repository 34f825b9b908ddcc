"""A clock that was wrong and is set right keeps nothing waiting, and skips nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1.status import TrainingState
from churn_operator.core.clock import set_right

from tests.unit.core.kserve_world import ServingPlan
from tests.unit.core.rollouts import BEGAN, minutes, rollout_status
from tests.unit.core.world import Ending, ModelPlan, World, in_service, world

YEAR = timedelta(days=365)
PROMETHEUS = {"prometheus": "http://prometheus:9090", "interval": "1m"}


def canary(driver: str) -> World:
    model = in_service(driver)
    model.change(training__seed=2)
    return model


PHASES: dict[str, Callable[[World], bool]] = {
    "requested": lambda one: one.model.training is not None and one.model.training.key != one.model.versions[0].key,
    "training": lambda one: one.condition("Trained") == "False TrainingRunning",
    "starting": lambda one: one.condition("CanaryHealthy") == "Unknown CandidateStarting",
    "baking": lambda one: one.traffic().get(2) == 10 and one.model.rollout.step_started is not None,
}


def wrong_for_a_while(model: World, phase: str, skew: timedelta) -> World:
    """The clock is wrong from before this phase until just after it began."""
    model.skew = skew
    model.until(PHASES[phase])
    model.step()
    model.skew = timedelta(0)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("skew", [YEAR, timedelta(minutes=20)], ids=["a year", "twenty minutes"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_clock_that_was_ahead_delays_nothing_by_more_than_a_phase(driver: str, phase: str, skew: timedelta) -> None:
    model = wrong_for_a_while(canary(driver), phase, skew)
    began = model.now
    model.until(lambda one: one.model.rollout.stable == 2)
    assert model.now - began < timedelta(minutes=9)


def test_a_pause_before_another_attempt_ends_although_it_was_counted_from_next_year() -> None:
    new = world()
    new.plans[1] = ModelPlan(endings=(Ending.FAILS, Ending.SUCCEEDS))
    new.skew = YEAR
    new.until(lambda one: one.model.training is not None and one.model.training.state is TrainingState.BACKING_OFF)
    new.skew = timedelta(0)
    began = new.now
    new.until(lambda one: one.model.rollout.stable == 1)
    assert new.now - began < timedelta(minutes=14)


def test_a_deletion_gives_up_in_time_although_it_began_next_year() -> None:
    model = in_service(deletion_policy="Delete")
    model.kfp_down, model.skew = True, YEAR
    model.delete()
    model.step()
    model.skew = timedelta(0)
    began = model.now
    model.until(lambda one: not one.exists)
    assert model.now - began < timedelta(minutes=2)


def test_a_step_whose_bake_began_in_the_future_takes_its_bake_from_now_on() -> None:
    model = wrong_for_a_while(canary("knative"), "baking", YEAR)
    model.step()
    began = model.model.rollout.step_started
    assert began is not None
    assert abs(began - model.now) < timedelta(seconds=2)
    at = model.now
    model.until(lambda one: one.traffic().get(2) == 50)
    assert model.now - at >= timedelta(seconds=80), "it is watched for all of its bake"


def test_a_candidate_that_hangs_is_rolled_back_by_a_deadline_that_began_in_the_future() -> None:
    model = in_service()
    model.plans[2] = ModelPlan(serving=ServingPlan(start=None))
    model.change(training__seed=2)
    wrong_for_a_while(model, "starting", YEAR)
    began = model.now
    model.until(lambda one: "RolledBack" in one.reasons())
    assert model.now - began < timedelta(minutes=5)


def test_looks_at_live_traffic_go_on() -> None:
    model = in_service(rollout__analysis=PROMETHEUS)
    model.change(training__seed=2)
    model.skew = YEAR
    model.until(lambda one: one.model.rollout.analysis is not None)
    model.skew = timedelta(0)
    began = model.now
    model.until(lambda one: one.model.rollout.stable == 2)
    assert model.now - began < timedelta(minutes=9)


def test_two_clocks_that_differ_by_seconds_are_no_reason_to_write() -> None:
    status = rollout_status()
    assert set_right(status, BEGAN - timedelta(seconds=50)) is status
    assert set_right(status, minutes(1)) is status
    assert set_right(status, BEGAN - timedelta(minutes=2)).rollout.step_started == BEGAN - timedelta(minutes=2)
