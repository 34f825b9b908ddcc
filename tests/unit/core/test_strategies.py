"""Blue and green, at once, shadows, and the way back from all of the traffic."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.core.kserve_world import KnativeWorld, ServingPlan
from tests.unit.core.world import ModelPlan, World, in_service, world

BLUE_GREEN: dict[str, Any] = {"rollout__strategy": "BlueGreen", "rollout__steps": [], "rollout__bake": "2m"}
IMMEDIATE: dict[str, Any] = {"rollout__strategy": "Immediate", "rollout__steps": [], "rollout__bake": "2m"}
BREAKS = ModelPlan(serving=ServingPlan(breaks_after=timedelta(minutes=1)))


def states(model: World) -> list[str]:
    return [f"{version.number} {version.state.value}" for version in model.model.versions]


def first_time_of(model: World, percent: int) -> Any:
    return model.until(lambda one: one.traffic().get(2) == percent).now


# Blue and green


def test_blue_green_holds_the_candidate_ready_beside_the_traffic_and_then_switches_at_once(driver: str) -> None:
    model = in_service(driver, **BLUE_GREEN)
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.until(lambda one: one.condition("CanaryHealthy") == "True CandidateReady")
    ready = model.now
    assert model.message("CanaryHealthy") == "version 2 is ready beside the traffic"
    switched = first_time_of(model, 100)
    model.settle()
    assert timedelta(seconds=110) <= switched - ready <= timedelta(seconds=130)
    assert model.weights_seen == [{1: 100}, {2: 100}]
    assert states(model) == ["1 Superseded", "2 Stable"]


def test_blue_green_watches_the_candidate_for_its_bake_after_the_switch(driver: str) -> None:
    model = in_service(driver, **BLUE_GREEN)
    model.change(training__seed=2)
    switched = first_time_of(model, 100)
    model.settle()
    promoted = model.model.versions[1].promoted
    assert promoted is not None
    assert promoted - switched >= timedelta(seconds=115)


def test_a_candidate_that_fails_beside_the_traffic_never_gets_any(driver: str) -> None:
    model = in_service(driver, **BLUE_GREEN)
    model.plans[2] = BREAKS
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_a_candidate_that_fails_after_the_switch_goes_back(driver: str) -> None:
    model = in_service(driver, **BLUE_GREEN)
    model.plans[2] = ModelPlan(serving=ServingPlan(breaks_after=timedelta(minutes=3)))
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 RolledBack"]
    assert model.condition("Ready") == "True InService"


# At once


def test_immediate_gives_the_candidate_everything_as_soon_as_it_is_ready_and_watches_it(driver: str) -> None:
    model = in_service(driver, **IMMEDIATE)
    model.weights_seen.clear()
    model.change(training__seed=2)
    switched = first_time_of(model, 100)
    assert model.model.rollout.stable == 1
    model.settle()
    assert model.weights_seen == [{1: 100}, {2: 100}]
    promoted = model.model.versions[1].promoted
    assert promoted is not None
    assert promoted - switched >= timedelta(seconds=115)


def test_a_promoted_looking_version_that_turns_bad_within_its_bake_goes_back_and_is_remembered(driver: str) -> None:
    model = in_service(driver, **IMMEDIATE)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 RolledBack"]
    assert len(model.model.rejected_keys) == 1
    model.advance(timedelta(days=1))
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]


@pytest.mark.parametrize("strategy", [BLUE_GREEN, IMMEDIATE], ids=["BlueGreen", "Immediate"])
def test_a_first_version_is_in_service_as_soon_as_it_is_ready(driver: str, strategy: dict[str, Any]) -> None:
    new = world(driver, **strategy).until(lambda one: one.model.rollout.stable == 1)
    assert new.model.versions[0].promoted is not None
    assert new.model.versions[0].promoted - new.model.versions[0].created < timedelta(minutes=1)


@pytest.mark.parametrize("strategy", [BLUE_GREEN, IMMEDIATE], ids=["BlueGreen", "Immediate"])
def test_a_strategy_changed_in_the_middle_of_a_canary_applies_to_it(driver: str, strategy: dict[str, Any]) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 50)
    model.change(**strategy)
    model.settle()
    assert model.traffic() == {2: 100}
    assert states(model) == ["1 Superseded", "2 Stable"]


# The way back


def within_bake(driver: str) -> World:
    """Version 2 has everything and is not promoted yet."""
    model = in_service(driver, **IMMEDIATE)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic() == {2: 100} and one.model.rollout.step_started is not None)
    model.weights_seen.clear()
    return model


def test_the_way_back_from_all_of_the_traffic_takes_no_start_of_a_pod(driver: str) -> None:
    model = within_bake(driver)
    model.annotate(abort="2")
    asked = model.now
    model.until(lambda one: one.traffic() == {1: 100})
    assert model.now - asked <= timedelta(seconds=2)
    model.settle()
    assert model.weights_seen == [{2: 100}, {1: 100}]
    assert model.condition("Ready") == "True InService"
    assert model.condition("Reconciling").startswith("False")


def test_with_knative_a_promotion_is_taken_back_before_the_uri_is_restored() -> None:
    model = within_bake("knative")
    assert isinstance(model.serving, KnativeWorld)
    revisions = len(model.serving.revisions)
    model.annotate(abort="2")
    model.until(lambda one: one.traffic() == {1: 100})
    assert len(model.serving.revisions) == revisions
    model.settle()
    assert len(model.serving.revisions) == revisions + 1
    assert model.traffic() == {1: 100}
    seen = model.serving.observe(model.now)
    assert seen is not None
    assert (seen.percent, seen.latest_rolled_out) == (100, seen.latest_created)


def test_with_knative_a_pin_of_the_version_before_is_in_effect_at_once() -> None:
    model = in_service("knative")
    model.change(training__seed=2)
    model.settle()
    model.weights_seen.clear()
    model.change(rollback_to=1)
    pinned = model.now
    model.until(lambda one: one.traffic() == {1: 100})
    assert model.now - pinned <= timedelta(seconds=2)
    model.settle()
    assert model.weights_seen == [{2: 100}, {1: 100}]
    assert model.condition("Ready") == "True Pinned"


def test_with_knative_a_pin_two_versions_back_waits_for_its_pods() -> None:
    model = in_service("knative")
    for seed in (2, 3):
        model.change(training__seed=seed)
        model.settle()
    model.weights_seen.clear()
    model.change(rollback_to=1)
    model.settle()
    assert model.weights_seen == [{3: 100}, {1: 100}]


def test_with_knative_a_failed_revision_is_not_waited_for_on_the_way_back() -> None:
    model = within_bake("knative")
    model.plans[2] = ModelPlan(serving=ServingPlan(breaks_after=timedelta(0)))
    model.settle()
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_a_superseded_candidate_that_has_everything_gives_it_back_before_the_next_one_gets_any(driver: str) -> None:
    model = within_bake(driver)
    model.plans[3] = ModelPlan(serving=ServingPlan(start=None))
    model.change(training__seed=3)
    model.settle()
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 Superseded", "3 RolledBack"]


def test_with_knative_a_stable_version_that_does_not_come_back_holds_the_next_candidate_until_it_is_promoted() -> None:
    model = in_service("knative", rollout__steps=[{"weight": 10, "bake": "1s"}, {"weight": 100, "bake": "1h"}])
    model.change(training__seed=2)
    model.until(lambda one: one.traffic() == {2: 100})
    model.change(serving__max_replicas=3)  # Another revision of version 2, so that version 1 has to start anew
    model.until(lambda one: one.serving.observe(one.now).latest_rolled_out.endswith("3"))  # type: ignore[union-attr]
    model.plans[1] = ModelPlan(serving=ServingPlan(loads=False))
    model.change(training__seed=3)
    model.settle()
    assert model.condition("Stalled") == "True TrafficNotShifted"
    assert "waits for the stable version" in model.message("Stalled")
    assert model.condition("Ready") == "True InService"
    model.annotate(promote="3")
    model.settle()
    assert model.traffic() == {3: 100}
    assert states(model) == ["1 Superseded", "2 Superseded", "3 Stable"]


def test_a_superseded_candidate_that_gets_ready_while_the_next_one_starts_gets_nothing(driver: str) -> None:
    model = in_service(driver, **IMMEDIATE)
    model.plans[2] = ModelPlan(serving=ServingPlan(start=timedelta(seconds=70)))
    model.plans[3] = ModelPlan(serving=ServingPlan(start=timedelta(seconds=100)))
    model.change(training__seed=2)
    model.until(lambda one: one.model.rollout.step_requested is not None and one.model.rollout.candidate == 2)
    model.weights_seen.clear()
    model.change(training__seed=3)
    model.settle()
    assert model.weights_seen == [{1: 100}, {3: 100}]


# Shadow

SHADOW = [{"weight": 20, "bake": "2m", "shadow": True}, {"weight": 50, "bake": "1m"}]


def shadowed(**changes: Any) -> World:
    model = in_service("gateway", **{"rollout__steps": SHADOW, **changes})
    model.weights_seen.clear()
    model.change(training__seed=2)
    return model.until(lambda one: one.mirrored() == {2: 20})


def test_a_shadow_gets_copies_of_requests_and_answers_none() -> None:
    model = shadowed()
    began = model.now
    assert model.traffic() == {1: 100}
    model.until(lambda one: one.condition("CanaryHealthy") == "True CandidateReady")
    assert model.message("CanaryHealthy") == "version 2 is ready and gets copies of 20% of the requests"
    model.until(lambda one: one.mirrored() == {})
    assert model.now - began >= timedelta(seconds=119)
    model.settle()
    assert model.weights_seen == [{1: 100}, {1: 50, 2: 50}, {2: 100}]
    assert states(model) == ["1 Superseded", "2 Stable"]


def test_each_step_stands_in_status_with_its_share_and_its_time() -> None:
    model = shadowed()
    model.until(lambda one: one.model.rollout.step == 2)
    steps = model.model.rollout.steps
    assert [(each.step, each.weight, each.mirror) for each in steps] == [(0, 0, 20), (1, 50, 0)]
    assert all(each.ended is not None and each.ended > each.started for each in steps)
    assert steps[1].started >= steps[0].ended


def test_a_shadow_that_fails_is_rolled_back_without_having_answered_anybody() -> None:
    model = in_service("gateway", rollout__steps=SHADOW)
    model.plans[2] = BREAKS
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert model.mirrored() == {}
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_an_aborted_shadow_gets_no_more_copies_before_it_is_removed() -> None:
    model = shadowed()
    model.annotate(abort="2")
    model.until(lambda one: one.mirrored() == {})
    model.settle()
    assert model.traffic() == {1: 100}


def test_a_shadow_that_is_paused_goes_on_being_one() -> None:
    model = shadowed()
    model.annotate(pause="2")
    model.settle(quiet=timedelta(hours=1))
    assert (model.mirrored(), model.traffic()) == ({2: 20}, {1: 100})
    model.annotate(promote="2")
    model.settle()
    assert (model.mirrored(), model.traffic()) == ({}, {2: 100})


def test_a_shadow_whose_percentage_is_edited_bakes_anew() -> None:
    model = shadowed()
    model.advance(timedelta(minutes=1))
    model.change(rollout__steps=[{"weight": 60, "bake": "2m", "shadow": True}])
    model.until(lambda one: one.mirrored() == {2: 60})
    began = model.now
    model.until(lambda one: one.traffic() == {2: 100})
    assert model.now - began >= timedelta(seconds=119)
