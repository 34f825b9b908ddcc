"""Versions on their way into service: the first, canaries, promotion, rollback."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1 import Phase
from churn_operator.api.v1alpha1.status import VersionState

from tests.unit.core.kserve_world import NO_SUCH_RUNTIME, ServingPlan
from tests.unit.core.world import ModelPlan, World, in_service, world

NEVER_READY = ModelPlan(serving=ServingPlan(start=None))
DOES_NOT_LOAD = ModelPlan(serving=ServingPlan(loads=False))
BREAKS = ModelPlan(serving=ServingPlan(breaks_after=timedelta(minutes=1)))

UNTIL_TOLD = {"knative": timedelta(0), "gateway": timedelta(0), "canary": timedelta(minutes=3)}
"""KServe says of a canary that it is not ready, but not that it failed: then its progress deadline decides."""
FAILED = {"knative": "CandidateFailed", "gateway": "CandidateFailed", "canary": "ProgressDeadlineExceeded"}


def states(world: World) -> list[str]:
    return [f"{version.number} {version.state.value}" for version in world.model.versions]


def test_the_first_version_is_trained_judged_and_served(driver: str) -> None:
    new = world(driver).settle()
    assert new.traffic() == {1: 100}
    assert states(new) == ["1 Stable"]
    assert new.condition("Ready") == "True InService"
    assert new.condition("Reconciling") == "False UpToDate"
    assert new.condition("Stalled") == "False UpToDate"
    assert (new.model.phase, new.model.traffic, new.model.roc_auc) == (Phase.SERVING, "v1 100%", "0.8400")
    assert new.model.url == "http://churn.team.example.com"
    assert new.run_names() == ["1/1"]
    assert new.reasons() == [
        "DatasetAdopted", "TrainingRequested", "TrainingStarted", "ModelTrained", "GatePassed", "RolloutStarted",
        "TrafficShifted", "Promoted",
    ]  # fmt: skip


def test_a_changed_hyperparameter_comes_into_service_by_the_steps_of_the_canary(driver: str) -> None:
    model = in_service(driver)
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}, {1: 90, 2: 10}, {1: 50, 2: 50}, {2: 100}]
    assert states(model) == ["1 Superseded", "2 Stable"]
    assert model.condition("CanaryHealthy") == "True Promoted"
    assert model.model.rollout.stable == 2
    assert model.model.rollout.candidate is None


def test_each_step_bakes_for_its_time_once_its_weight_is_in_effect(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    times = {}
    for weight in (10, 50, 100):
        model.until(lambda one, weight=weight: one.traffic().get(2) == weight)
        times[weight] = model.now
    assert times[50] - times[10] >= timedelta(seconds=89)
    assert times[100] - times[50] >= timedelta(seconds=89)
    assert times[100] - times[10] < timedelta(minutes=4)


def test_the_phases_of_a_canary_are_told_one_after_the_other(driver: str) -> None:
    model = in_service(driver)
    phases = [Phase.SERVING]
    model.change(training__seed=2)
    for _ in range(200):
        model.step()
        if model.model.phase is not phases[-1]:
            phases.append(model.model.phase)
    assert phases == [Phase.SERVING, Phase.TRAINING, Phase.ROLLING_OUT, Phase.SERVING]


def test_ready_stays_true_during_a_canary(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    seen = {model.condition("Ready") for _ in range(200) if model.step()}
    assert seen == {"True InService"}


@pytest.mark.parametrize("plan", [NEVER_READY, DOES_NOT_LOAD], ids=["never ready", "does not load"])
def test_a_candidate_that_is_not_ready_in_time_is_rolled_back_and_not_tried_again(driver: str, plan: ModelPlan) -> None:
    model = in_service(driver)
    model.plans[2] = plan
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert states(model) == ["1 Stable", "2 RolledBack"]
    assert model.condition("Stalled") == "True ProgressDeadlineExceeded"
    assert model.condition("Ready") == "True InService"
    assert "not ready within 3m" in model.message("Stalled")
    assert "RolledBack" in model.reasons()
    assert model.model.rejected_keys[0].key == model.model.versions[1].key
    model.change(rollout__progress_deadline="4m")
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]
    model.change(training__seed=3)
    model.settle()
    assert model.traffic() == {3: 100}
    assert model.condition("Stalled") == "False UpToDate"


@pytest.mark.parametrize("late", [8, 19])
def test_a_candidate_that_gets_ready_just_after_it_was_rolled_back_gets_no_traffic(driver: str, late: int) -> None:
    model = in_service(driver)
    model.plans[2] = ModelPlan(serving=ServingPlan(start=timedelta(minutes=3, seconds=late)))
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_ready_stays_true_during_a_rollback(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    seen = {model.condition("Ready") for _ in range(300) if model.step()}
    assert seen == {"True InService"}
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_a_candidate_that_fails_during_its_bake_is_rolled_back_at_once(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    shifted = model.now
    model.until(lambda one: one.model.rollout.candidate is None)
    assert model.now - shifted < timedelta(minutes=1, seconds=30) + UNTIL_TOLD[driver]
    model.settle()
    assert model.traffic() == {1: 100}
    assert model.condition("CanaryHealthy") == f"False {FAILED[driver]}"


def test_a_candidate_that_fails_at_a_later_step_is_rolled_back_at_once(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = ModelPlan(serving=ServingPlan(breaks_after=timedelta(seconds=91)))
    model.change(training__seed=2)
    model.until(lambda one: one.model.rollout.step == 1)
    advanced = model.now
    model.until(lambda one: one.model.rollout.candidate is None)
    assert model.now - advanced < timedelta(minutes=1) + UNTIL_TOLD[driver]
    assert states(model.settle()) == ["1 Stable", "2 RolledBack"]


def test_a_version_that_breaks_in_service_is_told_and_the_next_one_replaces_it_at_once(driver: str) -> None:
    model = world(driver)
    model.plans[1] = BREAKS
    model.until(lambda one: one.model.rollout.stable == 1)
    model.settle()
    model.advance(timedelta(minutes=5))
    model.settle()
    assert model.condition("Ready") == "False PredictorFailed"
    assert model.condition("Stalled") == "True PredictorFailed"
    model.weights_seen.clear()
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}, {2: 100}]
    assert model.condition("Ready") == "True InService"


def test_a_ready_candidate_is_not_blamed_for_traffic_that_does_not_follow() -> None:
    model = in_service("gateway")
    model.change(training__seed=2)
    model.until(lambda one: one.model.rollout.candidate == 2)
    model.serving.lag = timedelta(days=1)
    model.settle()
    assert model.condition("Stalled") == "True TrafficNotShifted"
    assert model.condition("Ready") == "True InService"
    model.serving.lag = timedelta(seconds=1)
    model.settle()
    assert model.traffic() == {2: 100}


def test_a_first_version_that_fails_is_withdrawn_and_the_next_spec_works(driver: str) -> None:
    new = world(driver)
    new.plans[1] = DOES_NOT_LOAD
    new.settle()
    assert new.serving.observe(new.now) is None
    assert states(new) == ["1 RolledBack"]
    assert new.model.phase is Phase.FAILED
    assert new.condition("Ready").startswith("False")
    assert new.condition("Stalled") == "True ProgressDeadlineExceeded"
    new.change(training__seed=2)
    new.settle()
    assert new.traffic() == {2: 100}
    assert new.condition("Ready") == "True InService"


def test_after_a_rollback_the_model_of_the_stable_version_can_be_a_canary_base_again(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    model.settle()
    model.weights_seen.clear()
    model.change(training__seed=3)
    model.settle()
    assert model.weights_seen == [{1: 100}, {1: 90, 3: 10}, {1: 50, 3: 50}, {3: 100}]


def test_a_newer_candidate_supersedes_one_on_its_way(driver: str) -> None:
    model = in_service(driver, rollout__steps=[{"weight": 10, "bake": "1h"}])
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    model.weights_seen.clear()
    model.change(training__seed=3)
    model.settle(quiet=timedelta(hours=2))
    assert states(model) == ["1 Stable", "2 Superseded", "3 Candidate"] or states(model)[-1] == "3 Stable"
    assert model.traffic() == {3: 100}
    assert model.model.rollout.stable == 3


def test_a_bad_candidate_that_was_rolled_back_gets_no_traffic_while_the_next_one_starts(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.plans[3] = NEVER_READY
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    model.change(training__seed=3)
    model.until(lambda one: one.model.rollout.candidate == 3)
    model.step()
    model.step()
    model.weights_seen.clear()
    model.settle()
    assert all(not seen.get(2) for seen in model.weights_seen), model.weights_seen


def test_a_spec_reverted_in_the_middle_of_a_canary_gives_the_stable_version_everything(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 50)
    model.change(training__seed=1)
    model.settle()
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 Superseded"]
    assert "RolloutWithdrawn" in model.reasons()
    assert model.condition("Stalled") == "False UpToDate"
    assert model.condition("Reconciling") == "False UpToDate"


def test_a_spec_reverted_to_a_superseded_version_is_rolled_out_without_training(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.settle()
    model.weights_seen.clear()
    model.change(training__seed=1)
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]
    assert model.weights_seen == [{2: 100}, {1: 10, 2: 90}, {1: 50, 2: 50}, {1: 100}]
    assert states(model) == ["1 Stable", "2 Superseded"]
    assert model.condition("Trained") == "True ModelTrained"
    assert "version 1" in model.message("Trained")
    assert "version 1" in model.message("GatePassed")


def test_steps_edited_on_the_way_apply_to_the_canary_under_way(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    model.change(rollout__steps=[{"weight": 30, "bake": "1m"}])
    model.weights_seen.clear()
    model.settle()
    assert model.weights_seen == [{1: 90, 2: 10}, {1: 70, 2: 30}, {2: 100}]


def test_an_inference_service_deleted_in_service_is_made_again(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.settle()
    model.serving.delete(model.now)
    model.until(lambda one: one.serving.observe(one.now) is None)
    model.step()
    assert model.condition("Ready").startswith("False")
    model.settle()
    assert model.traffic() == {2: 100}
    assert model.condition("Ready") == "True InService"


def test_an_inference_service_deleted_in_a_canary_comes_back_with_the_stable_version_first(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 50)
    model.advance(timedelta(minutes=1))
    model.serving.delete(model.now)
    model.until(lambda one: one.serving.observe(one.now) is None)
    model.weights_seen.clear()
    model.settle()
    assert model.weights_seen == [{}, {1: 100}, {1: 50, 2: 50}, {2: 100}]
    assert states(model) == ["1 Superseded", "2 Stable"]


def test_a_stable_version_that_comes_back_slower_than_the_candidate_still_comes_first(driver: str) -> None:
    model = in_service(driver)
    model.plans[1] = ModelPlan(serving=ServingPlan(start=timedelta(seconds=100)))
    model.plans[2] = ModelPlan(serving=ServingPlan(start=timedelta(seconds=1)))
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 50)
    model.serving.delete(model.now)
    model.until(lambda one: one.serving.observe(one.now) is None)
    model.weights_seen.clear()
    model.settle()
    assert model.weights_seen[0] == {}
    assert all(seen.get(1) for seen in model.weights_seen[1:-1])
    assert model.weights_seen[-2:] == [{1: 50, 2: 50}, {2: 100}]


@pytest.mark.parametrize("weight", [10, 50])
def test_serving_settings_changed_in_a_canary_reach_it_without_a_rollback(driver: str, weight: int) -> None:
    model = in_service(driver)
    model.change(training__seed=2, rollout__steps=[{"weight": 10, "bake": "20m"}, {"weight": 50, "bake": "20m"}])
    model.until(lambda one: one.traffic().get(2) == weight)
    model.advance(timedelta(minutes=10))
    model.change(serving__min_replicas=3)
    model.settle(quiet=timedelta(minutes=30))
    assert model.traffic() == {2: 100}
    assert states(model) == ["1 Superseded", "2 Stable"]


def test_serving_settings_changed_in_service_do_not_interrupt_it(driver: str) -> None:
    model = in_service(driver)
    model.weights_seen.clear()
    model.change(serving__max_replicas=3)
    seen = {model.condition("Ready") for _ in range(30) if model.step()}
    assert seen == {"True InService"}
    assert model.weights_seen == [{1: 100}]
    assert model.condition("Reconciling") == "False UpToDate"


def test_serving_settings_that_cannot_work_stall_and_the_old_ones_go_on_serving() -> None:
    model = in_service()
    model.change(serving__runtime=NO_SUCH_RUNTIME)
    model.settle()
    assert model.traffic() == {1: 100}
    assert model.condition("Ready") == "True InService"
    assert model.condition("Stalled").startswith("True")
    model.change(serving__runtime=None)
    model.settle()
    assert model.condition("Stalled") == "False UpToDate"


def test_with_knative_a_change_of_the_model_that_was_decided_on_and_not_made_leaves_no_trace() -> None:
    model = in_service()
    model.change(training__seed=2)
    model.settle()
    model.change(serving__max_replicas=3)  # Its revision is not ready, nor known, when the next change is decided on
    model.step()
    model.change(training__seed=1)
    model.until(lambda one: one.model.serving.changes[-1].uri == one.model.versions[0].model_uri)
    seen = model.serving.observe(model.now)
    assert seen is not None
    assert seen.uri == model.model.versions[1].model_uri
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {2: 100}
    assert model.condition("Stalled") == "False UpToDate"
    assert model.condition("Reconciling") == "False UpToDate"


@pytest.mark.parametrize("passes", range(12))
def test_with_knative_models_that_follow_one_another_faster_than_kserve_are_told_apart(passes: int) -> None:
    model = in_service()
    model.change(training__seed=2, rollout__steps=[{"weight": 50, "bake": "1s"}])
    model.settle()
    model.serving.lag = timedelta(seconds=30)
    model.change(serving__max_replicas=3)
    for seed in (1, 2, 1, 2):
        for _ in range(passes):
            model.step()
        model.change(training__seed=seed)
    model.settle()
    assert model.traffic() == {2: 100}
    assert model.condition("Stalled") == "False UpToDate"
    assert model.condition("Reconciling") == "False UpToDate"


def test_a_candidate_of_which_kserve_never_makes_a_revision_is_rolled_back_without_moving_traffic() -> None:
    model = in_service()
    model.change(training__seed=2)
    model.settle()
    model.weights_seen.clear()
    model.change(training__seed=3, serving__runtime=NO_SUCH_RUNTIME)
    model.settle()
    model.change(serving__runtime=None, training__seed=2)
    model.settle()
    assert model.weights_seen == [{2: 100}]
    assert model.condition("Ready") == "True InService"
    assert model.condition("Reconciling") == "False UpToDate"


def test_history_keeps_the_newest_versions_and_never_forgets_the_one_in_service(driver: str) -> None:
    model = in_service(driver, history__limit=2, rollout__steps=[{"weight": 100, "bake": "0s"}])
    for seed in (2, 3, 4):
        model.plans[seed] = ModelPlan(area=0.5)
        model.change(training__seed=seed)
        model.settle()
    assert [version.number for version in model.model.versions] == [1, 4]
    assert model.model.version(1).state is VersionState.STABLE
    assert model.model.latest_version == 4


@pytest.mark.parametrize("weights", [[100], [10, 50], [1, 2, 3, 99]])
def test_every_list_of_steps_ends_with_the_candidate_in_service(driver: str, weights: list[int]) -> None:
    model = in_service(driver, rollout__steps=[{"weight": weight, "bake": "10s"} for weight in weights])
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {2: 100}
    assert model.model.rollout.stable == 2
