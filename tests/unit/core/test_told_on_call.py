"""What a person on call reads while a rollout is held, hurried or turned back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1 import Phase

from tests.unit.core.kserve_world import NO_SUCH_RUNTIME, ServingPlan
from tests.unit.core.world import Ending, ModelPlan, World, in_service, world

STAYS = (
    "version 2 stays at 10%, step 1/3, as churnops.dev/pause asked: "
    "annotate the ChurnModel with churnops.dev/resume=2 to go on"
)
HURRIES = (
    "version 2 is promoted as soon as it has all of the traffic, as churnops.dev/promote asked: "
    "the steps that are left, analysis, hooks and approvals are skipped"
)


def at_ten_percent(driver: str) -> World:
    model = in_service(driver)
    model.change(training__seed=2)
    return model.until(lambda one: one.traffic().get(2) == 10 and one.model.rollout.step_started is not None)


def test_the_pass_that_heeds_a_pause_says_where_the_rollout_stays_and_how_it_goes_on(driver: str) -> None:
    model = at_ten_percent(driver)
    model.annotate(pause="2")
    model.reconcile()
    assert (model.condition("Reconciling"), model.message("Reconciling")) == ("True Paused", STAYS)
    model.settle()
    assert model.message("Reconciling") == STAYS


def test_a_pause_tells_the_share_that_is_kept_and_not_that_of_steps_edited_meanwhile(driver: str) -> None:
    model = at_ten_percent(driver)
    model.annotate(pause="2")
    model.settle()
    model.change(rollout__steps=[{"weight": 30, "bake": "90s"}, {"weight": 50, "bake": "90s"}, {"weight": 100}])
    model.settle()
    assert model.traffic() == {1: 90, 2: 10}
    assert model.message("Reconciling") == STAYS
    assert model.message("CanaryHealthy") == "version 2 answers 10% of the traffic"


def test_a_pause_while_the_candidate_starts_says_that_it_is_paused() -> None:
    model = in_service("knative")
    model.plans[2] = ModelPlan(serving=ServingPlan(start=None))
    model.change(training__seed=2, rollout__progress_deadline="20m")
    model.until(lambda one: one.model.rollout.candidate == 2)
    model.annotate(pause="2")
    model.settle()
    assert (model.condition("Reconciling"), model.message("Reconciling")) == ("True Paused", STAYS)


def test_the_pass_that_heeds_a_promotion_says_what_is_skipped(driver: str) -> None:
    model = at_ten_percent(driver)
    model.annotate(promote="2")
    model.reconcile()
    assert (model.condition("Reconciling"), model.message("Reconciling")) == ("True RollingOut", HURRIES)


def test_a_rollout_that_goes_on_says_where_it_is(driver: str) -> None:
    model = at_ten_percent(driver)
    model.annotate(pause="2")
    model.settle()
    model.annotate(resume="2")
    model.reconcile()
    assert model.message("Reconciling") == "version 2 at 10%, step 1/3"


def test_a_rollout_that_begins_says_with_what(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.model.rollout.candidate == 2)
    assert model.message("Reconciling") == "version 2 at 10%, step 1/3"


@pytest.mark.parametrize("weight", [10, 100])
def test_until_an_aborted_rollout_is_undone_the_phase_says_so(driver: str, weight: int) -> None:
    steps = [{"weight": 10, "bake": "90s"}, {"weight": 100, "bake": "90s"}]
    model = in_service(driver, rollout__steps=steps)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == weight)
    model.annotate(abort="2")
    seen = []
    while model.traffic() != {1: 100}:
        model.step()
        seen.append((model.model.phase, model.condition("Reconciling")))
    assert set(seen) == {(Phase.ROLLING_BACK, "True RollingBack")}
    model.settle()
    assert model.model.phase is Phase.SERVING
    assert model.condition("Reconciling") == "False Aborted"


def test_a_first_version_that_is_withdrawn_is_rolled_back_until_it_is_gone() -> None:
    model = world()
    model.plans[1] = ModelPlan(serving=ServingPlan(start=None))
    model.until(lambda one: one.serving.observe(one.now) is not None)
    model.annotate(abort="1")
    model.until(lambda one: one.condition("Reconciling") == "True RollingBack")
    model.until(lambda one: one.condition("Reconciling") == "True Withdrawing")
    assert model.model.phase is Phase.ROLLING_BACK
    model.settle()
    assert model.model.phase is Phase.FAILED


def test_a_training_that_failed_for_good_says_how_another_is_tried() -> None:
    new = world(training__retries=0)
    new.plans[1] = ModelPlan(endings=(Ending.FAILS,))
    new.until(lambda one: one.condition("Stalled").startswith("True"))
    told = new.message("Stalled")
    assert told.startswith("run churn-")
    assert told.endswith("annotate churnops.dev/retry")
    new.settle()
    assert new.message("Stalled") == told


def test_a_run_that_is_gone_says_where_it_was_looked_for() -> None:
    new = world()
    new.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    new.remove_run(new.runs[0].request.run_name)
    new.until(lambda one: one.condition("Trained") == "False RunDeleted")
    assert "at http://kfp, namespace kubeflow: it was deleted, or spec.training.pipelines" in new.message("Trained")


def test_a_version_that_cannot_serve_says_what_to_correct(driver: str) -> None:
    model = in_service(driver)
    model.change(serving__runtime=NO_SUCH_RUNTIME)
    model.settle()
    told = "version 1 cannot serve: no runtime supports the model; correct spec.serving"
    assert model.condition("Stalled") == "True PredictorFailed"
    assert model.message("Stalled").startswith(told)


def test_a_candidate_that_waits_for_a_stable_version_that_is_gone_says_how_to_go_past_it() -> None:
    model = in_service("knative", rollout__steps=[{"weight": 10, "bake": "90s"}, {"weight": 100, "bake": "5m"}])
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 100)
    model.plans[1] = ModelPlan(serving=ServingPlan(start=None))
    model.change(training__seed=3)
    model.settle(quiet=timedelta(minutes=20))
    assert model.condition("Stalled") == "True TrafficNotShifted"
    assert "churnops.dev/promote=3" in model.message("Stalled")
