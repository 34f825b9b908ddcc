"""Data that is missing or changes, specs that cannot be read, and the suspended operator."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1 import Phase
from churn_operator.core.observation import InvalidSpec

from tests.unit.core.kserve_world import ServingPlan
from tests.unit.core.world import DATASET, Ending, ModelPlan, World, in_service, world

WATCHED = {"enabled": True, "poll_interval": "1m"}


def test_a_missing_dataset_is_waited_for() -> None:
    new = world()
    digest = new.datasets.pop(DATASET)
    new.settle()
    assert new.condition("DatasetReady") == "False DatasetNotFound"
    assert new.condition("Stalled") == "True DatasetNotFound"
    assert DATASET in new.message("DatasetReady")
    assert new.reasons() == ["DatasetNotFound"]
    new.datasets[DATASET] = digest
    new.settle()
    assert new.traffic() == {1: 100}
    assert new.condition("DatasetReady") == "True DatasetAdopted"


def test_changed_data_is_adopted_and_trained_when_asked_for(driver: str) -> None:
    model = in_service(driver, triggers__dataset_change=WATCHED)
    model.datasets[DATASET] = "digest-two"
    model.settle()
    assert model.run_names() == ["1/1", "1/1"]
    assert [version.dataset_digest for version in model.model.versions] == ["digest-one", "digest-two"]
    assert model.model.rollout.stable == 2


def test_changed_data_is_not_adopted_unless_asked_for() -> None:
    model = in_service()
    model.datasets[DATASET] = "digest-two"
    model.settle()
    model.advance(timedelta(days=1))
    model.settle()
    assert model.run_names() == ["1/1"]


def test_changed_data_waits_until_a_rollout_has_ended(driver: str) -> None:
    model = in_service(driver, triggers__dataset_change=WATCHED)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    model.datasets[DATASET] = "digest-two"
    model.until(lambda one: one.model.rollout.stable == 2)
    assert model.run_names() == ["1/1", "2/1"]
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "2/1"]


def test_data_that_vanishes_while_it_is_watched_is_told_and_stops_nothing() -> None:
    model = in_service(triggers__dataset_change=WATCHED)
    digest = model.datasets.pop(DATASET)
    model.settle()
    assert model.condition("DatasetReady") == "False DatasetNotFound"
    assert model.condition("Ready") == "True InService"
    assert model.condition("Stalled") == "False UpToDate"
    model.datasets[DATASET] = digest
    model.settle()
    assert model.condition("DatasetReady") == "True DatasetAdopted"
    assert model.run_names() == ["1/1"]


def test_data_out_of_sight_while_it_is_watched_is_unknown_and_then_known_again() -> None:
    model = in_service(triggers__dataset_change=WATCHED)
    model.s3_down = True
    model.settle()
    assert model.condition("DatasetReady") == "Unknown S3Unavailable"
    model.s3_down = False
    model.settle()
    assert model.condition("DatasetReady") == "True DatasetAdopted"
    assert model.reasons()[-2:] == ["S3Unavailable", "Recovered"]


def test_a_spec_reverted_while_its_data_is_missing_is_at_rest() -> None:
    model = in_service()
    model.change(dataset__uri="s3://data/other.csv")
    model.settle()
    assert model.condition("DatasetReady") == "False DatasetNotFound"
    model.change(dataset__uri=DATASET)
    model.settle()
    assert model.condition("DatasetReady") == "True DatasetAdopted"
    assert model.condition("Stalled") == "False UpToDate"


def test_a_spec_that_cannot_be_read_keeps_serving_and_says_what_to_change(driver: str) -> None:
    model = in_service(driver)
    good = model.spec
    model.set_spec(InvalidSpec("spec.dataset.uri is required: add it."))
    model.settle()
    assert model.traffic() == {1: 100}
    assert model.condition("Ready") == "True InService"
    assert model.condition("Stalled") == "True InvalidSpec"
    assert model.message("Stalled") == "spec.dataset.uri is required: add it."
    assert model.model.phase is Phase.SERVING
    assert model.reasons()[-1] == "InvalidSpec"
    model.set_spec(good)
    model.settle()
    assert model.condition("Stalled") == "False UpToDate"


def test_a_spec_that_cannot_be_read_from_the_start_makes_nothing() -> None:
    new = World(InvalidSpec("spec.dataset is required: add it."))
    new.settle()
    assert new.model.phase is Phase.FAILED
    assert not new.runs
    assert not new.finalized


def test_a_spec_that_cannot_be_read_in_a_canary_leaves_the_weights_and_goes_on_when_it_is_mended(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    good = model.spec
    model.set_spec(InvalidSpec("no"))
    model.settle()
    assert model.traffic() == {1: 90, 2: 10}
    model.set_spec(good)
    model.settle()
    assert model.traffic() == {2: 100}


@pytest.mark.parametrize(
    "phase",
    ["new", "adopted", "training", "backing off", "cancelling", "starting", "canary", "in service", "rolling back"],
)
def test_suspended_in_any_phase_nothing_is_done_and_afterwards_everything_goes_on(driver: str, phase: str) -> None:
    model = _in_phase(driver, phase)
    traffic = model.traffic()
    model.change(suspend=True)
    passes = len(model.passes)
    model.settle()
    model.advance(timedelta(hours=3))
    model.settle()
    assert not any(one.done for one in model.passes[passes:])
    assert model.model.phase is Phase.SUSPENDED
    assert model.condition("Reconciling") == "False Suspended"
    if traffic:
        assert model.traffic() == ({1: 100} if phase == "rolling back" else traffic)
        assert model.condition("Ready") == "True InService"
    model.change(suspend=False)
    model.settle()
    wished = 3 if phase == "cancelling" else 1 if phase in ("new", "adopted", "in service", "rolling back") else 2
    assert model.traffic() == {wished: 100}


def _in_phase(driver: str, phase: str) -> World:
    if phase in ("new", "adopted"):
        new = world(driver)
        return new if phase == "new" else new.until(lambda one: one.model.training)
    model = in_service(driver)
    if phase == "in service":
        return model
    if phase == "backing off":
        model.plans[2] = ModelPlan(endings=(Ending.FAILS, Ending.SUCCEEDS))
    if phase == "rolling back":
        model.plans[2] = ModelPlan(serving=ServingPlan(breaks_after=timedelta(minutes=1)))
    model.change(training__seed=2)
    match phase:
        case "training":
            return model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
        case "backing off":
            return model.until(lambda one: one.condition("Reconciling") == "True BackingOff")
        case "cancelling":
            model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
            model.change(training__seed=3)
            return model.until(lambda one: one.condition("Reconciling") == "True Cancelling")
        case "starting":
            return model.until(lambda one: one.model.rollout.candidate == 2)
        case "canary":
            return model.until(lambda one: one.traffic().get(2) == 10)
        case _:
            return model.until(lambda one: "RolledBack" in one.reasons() and one.traffic() == {1: 100})


def test_suspended_the_conditions_still_tell_whether_the_version_in_service_answers() -> None:
    model = in_service()
    model.change(suspend=True)
    model.settle()
    model.kserve_down = True
    model.settle(quiet=timedelta(seconds=30))
    model.reconcile()
    assert model.condition("Ready") == "Unknown KServeUnavailable"
    model.kserve_down = False
    model.settle()
    assert model.condition("Ready") == "True InService"
    model.serving.delete(model.now)
    model.advance(timedelta(minutes=1))
    model.reconcile()
    assert model.condition("Ready") == "False NotFound"
