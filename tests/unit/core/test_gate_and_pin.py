"""What may serve: the gate, and the pin of spec.rollbackTo."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1 import Phase

from tests.unit.core.kserve_world import ServingPlan
from tests.unit.core.world import ModelPlan, World, in_service, world

POOR = ModelPlan(area=0.75)


def states(world: World) -> list[str]:
    return [f"{version.number} {version.state.value}" for version in world.model.versions]


def two_versions(driver: str) -> World:
    model = in_service(driver)
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {2: 100}
    return model


def test_a_version_that_fails_the_gate_never_gets_traffic_and_says_why(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = POOR
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert states(model) == ["1 Stable", "2 Rejected"]
    assert model.condition("Stalled") == "True GateRejected"
    assert model.condition("GatePassed") == "False GateRejected"
    assert "rocAuc is 0.7500, below its minimum 0.8" in model.message("Stalled")
    assert model.condition("Ready") == "True InService"
    assert model.reasons()[-1] == "GateRejected"


def test_a_rejected_key_is_not_trained_again_by_a_resync_but_by_a_change_of_spec(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = POOR
    model.change(training__seed=2)
    model.settle()
    model.generation += 1
    model.advance(timedelta(days=1))
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]
    model.change(training__seed=3)
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "3/1"]
    assert model.traffic() == {3: 100}
    assert model.condition("GatePassed") == "True GatePassed"


def test_a_first_version_that_fails_the_gate_leaves_nothing_in_service() -> None:
    new = world()
    new.plans[1] = POOR
    new.settle()
    assert new.serving.observe(new.now) is None
    assert new.model.phase is Phase.FAILED
    assert new.condition("Ready") == "False GateRejected"


def test_thresholds_that_are_lowered_let_the_rejected_version_in_without_training(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = POOR
    model.change(training__seed=2)
    model.settle()
    model.change(evaluation__minimums={"rocAuc": 0.7})
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]
    assert states(model) == ["1 Superseded", "2 Stable"]
    assert model.condition("Stalled") == "False UpToDate"
    assert model.condition("GatePassed") == "True GatePassed"


def test_thresholds_that_are_raised_do_not_touch_the_version_in_service(driver: str) -> None:
    model = in_service(driver)
    passes = len(model.passes)
    model.change(evaluation__minimums={"rocAuc": 0.99})
    model.settle()
    assert not any(one.done for one in model.passes[passes:])
    assert model.condition("Ready") == "True InService"


@pytest.mark.parametrize("metrics", [{}, {"rocAuc": float("nan")}, {"rocAuc": float("inf")}])
def test_a_metric_that_was_not_measured_does_not_pass(metrics: dict[str, float]) -> None:
    new = world()
    new.until(lambda one: one.reports)
    uri, report = next(iter(new.reports.items()))
    new.reports[uri] = report.model_copy(update={"metrics": {"brier": 0.1, **metrics}})
    new.settle()
    assert states(new) == ["1 Rejected"]
    assert "rocAuc is not in the report" in new.message("Stalled")


def test_the_spec_reverted_after_a_rejection_is_at_rest_with_the_stable_version(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = POOR
    model.change(training__seed=2)
    model.settle()
    model.change(training__seed=1)
    model.settle()
    assert model.condition("Stalled") == "False UpToDate"
    assert model.condition("GatePassed") == "True GatePassed"
    assert "version 1" in model.message("GatePassed")


def test_rollback_to_brings_an_earlier_version_back_at_once(driver: str) -> None:
    model = two_versions(driver)
    model.weights_seen.clear()
    model.change(rollback_to=1)
    model.settle()
    assert model.weights_seen == [{2: 100}, {1: 100}]
    assert states(model) == ["1 Stable", "2 Superseded"]
    assert model.model.phase is Phase.PINNED
    assert model.condition("Ready") == "True Pinned"
    assert model.run_names() == ["1/1", "2/1"]
    assert "RolledBackTo" in model.reasons()


def test_ready_stays_true_while_a_pinned_version_starts(driver: str) -> None:
    model = two_versions(driver)
    model.change(rollback_to=1)
    seen = {model.condition("Ready").split()[0] for _ in range(60) if model.step()}
    assert seen == {"True"}


def test_without_the_pin_the_wished_version_is_rolled_out_again_without_training(driver: str) -> None:
    model = two_versions(driver)
    model.change(rollback_to=1)
    model.settle()
    model.weights_seen.clear()
    model.change(rollback_to=None)
    model.settle()
    assert model.weights_seen == [{1: 100}, {1: 90, 2: 10}, {1: 50, 2: 50}, {2: 100}]
    assert model.run_names() == ["1/1", "2/1"]


def test_a_pin_to_the_version_in_service_stops_a_canary(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 50)
    model.change(rollback_to=1)
    model.settle()
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 Candidate"]
    assert model.model.rollout.candidate is None
    model.change(rollback_to=None)
    model.settle()
    assert model.traffic() == {2: 100}


def test_a_pin_trains_nothing(driver: str) -> None:
    model = two_versions(driver)
    model.change(rollback_to=1)
    model.settle()
    model.change(training__seed=3)
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]
    model.change(rollback_to=None)
    model.settle()
    assert model.traffic() == {3: 100}


def test_a_candidate_that_waits_for_a_pin_to_go_is_superseded_by_another_wish(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 50)
    model.change(rollback_to=1)
    model.settle()
    model.change(rollback_to=None, training__seed=1)
    model.settle()
    assert states(model) == ["1 Stable", "2 Superseded"]
    assert model.traffic() == {1: 100}


@pytest.mark.parametrize(("number", "why"), [(7, "is not in status.versions"), (2, "was never in service")])
def test_a_pin_to_a_version_that_never_served_stalls_and_changes_nothing(driver: str, number: int, why: str) -> None:
    model = in_service(driver)
    model.plans[2] = POOR
    model.change(training__seed=2)
    model.settle()
    model.weights_seen.clear()
    model.change(rollback_to=number)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert model.condition("Stalled") == "True InvalidRollback"
    assert why in model.message("Stalled")
    assert model.condition("Ready") == "True InService"
    assert model.reasons().count("InvalidRollback") == 1


@pytest.mark.parametrize("plan", [ServingPlan(loads=False), ServingPlan(start=None)], ids=["broken", "never ready"])
def test_a_pin_to_a_version_that_cannot_start_stalls_and_the_stable_one_goes_on(driver: str, plan: ServingPlan) -> None:
    model = two_versions(driver)
    if driver == "knative":  # Else the revision before takes over at once
        model.change(serving__max_replicas=3)
        model.settle()
    if driver == "gateway":
        model.until(lambda one: len(one.serving.services) == 1)  # type: ignore[union-attr]
    model.plans[1] = ModelPlan(serving=plan)
    model.weights_seen.clear()
    model.change(rollback_to=1)
    model.settle()
    assert model.traffic() == {2: 100}
    told = not plan.loads and driver != "canary"
    assert model.condition("Stalled") == f"True {'PredictorFailed' if told else 'ProgressDeadlineExceeded'}"
    assert model.condition("Ready") == "True InService"


def test_a_pinned_version_is_never_forgotten(driver: str) -> None:
    model = in_service(driver, history__limit=2, rollout__steps=[{"weight": 100, "bake": "0s"}])
    for seed in (2, 3):
        model.change(training__seed=seed)
        model.settle()
    assert [version.number for version in model.model.versions] == [2, 3]
    model.change(rollback_to=2)
    model.settle()
    assert model.traffic() == {2: 100}
