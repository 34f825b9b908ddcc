"""Candidates whose answers to mirrored requests are compared with the stable version's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.core.kserve_world import GatewayWorld
from tests.unit.core.world import INSTALLATION, Live, ModelPlan, World, spec

pytestmark = pytest.mark.unit

CHECK = {"name": "disagreement"}
ANALYSIS: dict[str, Any] = {
    "prometheus": "http://prometheus:9090", "interval": "30s", "failure_limit": 2, "checks": [CHECK],
}  # fmt: skip
STEPS = [{"weight": 20, "bake": "2m", "shadow": True}, {"weight": 50, "bake": "2m"}]


def rolling(live: Live = Live.WELL, analysis: dict[str, Any] | None = ANALYSIS) -> World:
    """Version 1 is in service, and version 2 is wished for."""
    wish = spec(serving={"traffic_driver": "gateway"}, rollout={"steps": STEPS, "analysis": analysis})
    model = World(wish, installation=replace(INSTALLATION, traffic_driver="gateway"))
    model.settle()
    model.weights_seen.clear()
    model.plans[2] = ModelPlan(live=live)
    model.change(training__seed=2)
    return model


def compared_with(model: World) -> dict[int, int | None]:
    """Whom each version that is there is compared with."""
    assert isinstance(model.serving, GatewayWorld)
    return {number: step.compared_with for number, step in model.serving.services.items()}


def applied(model: World, number: int) -> int:
    """How often the InferenceService of a version was applied: each time its pods start anew."""
    steps = [getattr(action, "step", None) for each in model.passes for action in each.done]
    return sum(getattr(getattr(step, "version", None), "number", None) == number for step in steps)


def test_a_candidate_that_agrees_goes_on_from_its_shadow_step_and_is_promoted() -> None:
    model = rolling().settle()
    assert model.model.rollout.stable == 2
    assert model.weights_seen == [{1: 100}, {1: 50, 2: 50}, {2: 100}]


def test_a_candidate_that_gives_other_classes_goes_back_before_it_answered_anybody() -> None:
    model = rolling(Live.DISAGREES).settle()
    assert model.weights_seen == [{1: 100}]
    assert model.condition("CanaryHealthy") == "False AnalysisFailed"
    assert "the versions disagree on 667 of 2000 mirrored requests, 33.33%" in model.message("CanaryHealthy")
    assert [entry.reason for entry in model.model.rejected_keys] == ["AnalysisFailed"]


def test_a_candidate_that_nobody_can_compare_waits_and_says_what_is_missing() -> None:
    model = rolling(Live.UNCOMPARED)
    model.until(lambda one: "AnalysisInconclusive" in one.reasons())
    for _ in range(100):
        model.step()
    assert (model.mirrored(), model.traffic()) == ({2: 20}, {1: 100})
    assert "got 2000 copies and compared none of its answers" in model.message("CanaryHealthy")
    model.plans[2] = ModelPlan()
    model.settle()
    assert model.model.rollout.stable == 2


def test_the_candidate_is_told_whom_to_ask_when_it_is_made_and_its_pods_never_start_anew() -> None:
    model = rolling()
    model.until(lambda one: one.mirrored() == {2: 20})
    assert compared_with(model) == {1: None, 2: 1}
    model.settle()
    assert compared_with(model) == {2: 1}, "promoted, it keeps what it has, and gets no copies"
    model.advance(timedelta(days=1))
    model.settle()
    assert applied(model, 2) == 1


def test_without_the_check_nobody_is_told_anything() -> None:
    for analysis in (None, {**ANALYSIS, "checks": []}):
        model = rolling(analysis=analysis).settle()
        assert compared_with(model) == {2: None}


def test_the_next_candidate_is_compared_with_the_version_that_was_promoted() -> None:
    model = rolling().settle()
    model.change(training__seed=3)
    model.until(lambda one: one.mirrored() == {3: 20})
    assert compared_with(model) == {2: 1, 3: 2}
    model.settle()
    assert model.model.rollout.stable == 3


def test_other_settings_keep_whom_a_version_in_service_was_compared_with() -> None:
    model = rolling().settle()
    model.change(serving__min_replicas=3)
    model.settle()
    assert compared_with(model) == {2: 1}
    assert applied(model, 2) == 2


def test_a_check_that_comes_during_the_shadow_step_makes_it_begin_anew() -> None:
    model = rolling(analysis=None)
    model.until(lambda one: one.mirrored() == {2: 20})
    model.advance(timedelta(seconds=100))
    model.change(rollout__analysis=ANALYSIS)
    model.until(lambda one: compared_with(one) == {1: None, 2: 1})
    began = model.now
    model.until(lambda one: one.traffic() == {1: 50, 2: 50})
    assert model.now - began >= timedelta(seconds=119)


def test_a_check_that_comes_after_the_shadow_step_restarts_nothing_and_holds_nothing_up() -> None:
    model = rolling(analysis=None)
    model.until(lambda one: one.traffic() == {1: 50, 2: 50})
    model.change(rollout__analysis=ANALYSIS)
    model.until(lambda one: one.condition("CanaryHealthy") == "True AnalysisPassed")
    assert "it was started without the check" in model.message("CanaryHealthy")
    assert "no more will be mirrored" in model.message("CanaryHealthy")
    assert applied(model, 2) == 1
    model.settle()
    assert model.model.rollout.stable == 2


def test_a_shadow_step_that_comes_in_the_middle_takes_the_traffic_away_before_the_pods_start_anew() -> None:
    model = rolling(analysis=None)
    model.change(rollout__steps=[{"weight": 10, "bake": "10m"}])
    model.until(lambda one: one.traffic() == {1: 90, 2: 10})
    model.change(rollout__steps=STEPS, rollout__analysis=ANALYSIS)
    model.until(lambda one: compared_with(one)[2] == 1)
    assert (model.mirrored(), model.traffic()) == ({2: 20}, {1: 100})
    model.settle()
    assert model.model.rollout.stable == 2
