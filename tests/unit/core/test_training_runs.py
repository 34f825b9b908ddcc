"""A training from wish to report, with everything that can go wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1 import Phase
from churn_operator.core.actions import TerminateRun

from tests.unit.core.world import DATASET, Ending, ModelPlan, in_service, world

S, F = Ending.SUCCEEDS, Ending.FAILS


def test_a_failed_run_is_repeated_after_a_pause(driver: str) -> None:
    new = world(driver)
    new.plans[1] = ModelPlan(endings=(F, F, S))
    new.until(lambda one: one.condition("Reconciling") == "True BackingOff")
    assert "next in 10s" in new.message("Trained")
    assert new.model.phase is Phase.TRAINING
    new.settle()
    assert new.run_names() == ["1/1", "1/2", "1/3"]
    assert new.traffic() == {1: 100}
    pauses = [later.created - earlier.created for earlier, later in zip(new.runs, new.runs[1:], strict=False)]
    assert pauses[0] >= timedelta(seconds=70)
    assert pauses[1] >= timedelta(seconds=80)


def test_exhausted_retries_stall_until_the_spec_changes(driver: str) -> None:
    new = world(driver)
    new.plans[1] = ModelPlan(endings=(F,))
    new.settle()
    assert new.run_names() == ["1/1", "1/2", "1/3"]
    assert new.condition("Stalled") == "True RunFailed"
    assert new.condition("Trained") == "False RunFailed"
    assert new.model.phase is Phase.FAILED
    new.advance(timedelta(hours=5))
    assert new.settle().run_names() == ["1/1", "1/2", "1/3"]
    new.change(training__seed=2)
    assert new.settle().traffic() == {2: 100}


def test_a_spec_that_comes_back_to_an_exhausted_key_gets_a_new_chance(driver: str) -> None:
    new = world(driver)
    new.plans[1] = ModelPlan(endings=(F, F, F, S))
    new.settle()
    new.change(training__seed=2)
    new.settle()
    new.change(training__seed=1)
    new.settle()
    assert new.run_names() == ["1/1", "1/2", "1/3", "2/1", "1/4"]
    assert new.traffic() == {1: 100}


def test_without_retries_one_failure_stalls(driver: str) -> None:
    new = world(driver, training__retries=0)
    new.plans[1] = ModelPlan(endings=(F,))
    assert new.settle().run_names() == ["1/1"]
    assert new.condition("Stalled") == "True RunFailed"


def test_refused_data_is_told_in_a_sentence_and_not_tried_again() -> None:
    new = world()
    new.plans[1] = ModelPlan(endings=(Ending.REFUSES,))
    new.settle()
    assert new.run_names() == ["1/1"]
    assert new.condition("Trained") == "False MissingColumn"
    assert new.condition("Stalled") == "True MissingColumn"
    assert "column tenure is missing" in new.message("Stalled")
    assert new.condition("Ready") == "False MissingColumn"
    assert "MissingColumn" in new.reasons()
    new.change(training__retries=5)
    assert new.settle().run_names() == ["1/1"]


def test_refused_data_keeps_the_version_in_service() -> None:
    model = in_service()
    model.plans[2] = ModelPlan(endings=(Ending.REFUSES,))
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {1: 100}
    assert model.condition("Ready") == "True InService"
    assert model.condition("Stalled") == "True MissingColumn"


def test_a_run_that_takes_too_long_is_stopped_and_counts_as_failed() -> None:
    new = world(training__retries=1)
    new.plans[1] = ModelPlan(endings=(Ending.HANGS, S))
    new.settle()
    assert new.run_names() == ["1/1", "1/2"]
    assert new.runs[0].terminated is not None
    assert new.runs[0].terminated - new.runs[0].created < timedelta(minutes=5)
    assert "TimedOut" in new.reasons()
    assert new.traffic() == {1: 100}


def test_a_run_that_leaves_no_report_counts_as_failed_after_a_while() -> None:
    new = world(training__retries=1)
    new.plans[1] = ModelPlan(endings=(Ending.LEAVES_NO_REPORT, S))
    new.settle()
    assert new.run_names() == ["1/1", "1/2"]
    assert "ReportMissing" in new.reasons()
    assert new.traffic() == {1: 100}


def test_a_report_that_comes_late_is_read() -> None:
    new = world()
    new.plans[1] = ModelPlan(duration=timedelta(seconds=60))
    new.until(lambda one: one.reports)
    late = dict(new.reports)
    new.reports.clear()
    for _ in range(3):
        new.step()
    new.reports.update(late)
    assert new.settle().run_names() == ["1/1"]
    assert new.traffic() == {1: 100}


def test_a_run_deleted_on_the_kfp_page_counts_as_failed() -> None:
    new = world()
    new.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    new.remove_run(new.runs[0].request.run_name)
    new.settle()
    assert new.run_names() == ["1/2"]
    assert "RunDeleted" in new.reasons()
    assert new.traffic() == {1: 100}


def test_a_report_about_another_key_counts_as_failed() -> None:
    new = world(training__retries=0)
    new.until(lambda one: one.reports)
    uri, report = next(iter(new.reports.items()))
    new.reports[uri] = report.model_copy(update={"key": "f" * 64})
    new.settle()
    assert new.condition("Stalled") == "True ReportMismatch"


def test_a_run_that_kfp_refuses_stalls_with_its_words() -> None:
    new = world()
    new.kfp_refuses = True
    new.settle()
    assert new.condition("Stalled") == "True RunRejected"
    assert "the experiment is archived" in new.message("Stalled")
    new.kfp_refuses = False
    new.change(training__seed=2)
    assert new.settle().traffic() == {2: 100}


def test_a_lost_answer_of_kfp_does_not_make_a_second_run() -> None:
    new = world()
    new.until(lambda one: one.finalized)
    new.lost_answers = 1
    new.settle()
    assert new.run_names() == ["1/1"]
    assert new.run_count == 1
    assert new.traffic() == {1: 100}


def test_a_spec_changed_in_the_middle_of_a_training_stops_it_and_trains_the_new_wish(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    model.change(training__seed=3)
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "3/1"]
    assert model.runs[1].terminated is not None
    assert [version.number for version in model.model.versions] == [1, 2]
    assert model.traffic() == {3: 100}
    assert "TrainingCancelled" in model.reasons()


@pytest.mark.parametrize("retries", [0, 2])
def test_a_spec_changed_and_changed_back_in_the_middle_of_a_training_trains_it_in_the_end(retries: int) -> None:
    model = in_service(training__retries=retries)
    model.change(training__seed=2)
    model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    model.change(training__seed=3)
    model.until(lambda one: "3/1" in one.run_names())
    model.change(training__seed=2)
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "3/1", "2/2"]
    assert model.traffic() == {2: 100}
    assert model.condition("Stalled") == "False UpToDate"


def test_a_spec_changed_back_while_the_old_run_is_being_stopped_trains_it_again() -> None:
    model = in_service(training__retries=0)
    model.change(training__seed=2)
    model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    model.change(training__seed=3)
    model.until(lambda one: one.condition("Reconciling") == "True Cancelling")
    model.change(training__seed=2)
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "2/2"]
    assert model.traffic() == {2: 100}


def test_a_wish_taken_back_while_its_run_was_stopped_for_missing_data_is_trained_when_it_returns() -> None:
    model = in_service(training__retries=0)
    model.change(training__seed=2)
    model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    model.change(dataset__uri="s3://data/missing.csv")
    model.settle()
    assert model.condition("Stalled") == "True DatasetNotFound"
    model.change(dataset__uri=DATASET)
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "2/2"]
    assert model.traffic() == {2: 100}


def test_a_spec_reverted_in_the_middle_of_a_training_stops_the_run_and_is_at_rest(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    model.change(training__seed=1)
    model.settle()
    assert model.runs[1].terminated is not None
    assert model.traffic() == {1: 100}
    assert model.condition("Trained") == "True ModelTrained"
    assert model.condition("Reconciling") == "False UpToDate"
    assert model.condition("Stalled") == "False UpToDate"


def test_a_spec_reverted_during_back_off_leaves_nothing_waiting() -> None:
    model = in_service(triggers__dataset_change={"enabled": True, "poll_interval": "30s"})
    model.plans[2] = ModelPlan(endings=(F,))
    model.change(training__seed=2)
    model.until(lambda one: one.condition("Reconciling") == "True BackingOff")
    model.change(training__seed=1)
    model.settle()
    model.datasets[DATASET] = "digest-two"
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "1/1"]
    assert model.model.rollout.stable == 2


def test_a_new_version_of_the_operator_does_not_train_by_itself(driver: str) -> None:
    model = in_service(driver)
    model.installation = replace(model.installation, code_version="2", trainer_image="trainer:2")
    passes = len(model.passes)
    model.settle()
    assert all(one.idle for one in model.passes[passes:])
    assert model.run_names() == ["1/1"]


def test_a_pipeline_timeout_is_told_even_when_kfp_cannot_stop_the_run_at_once() -> None:
    new = world(training__retries=0)
    new.plans[1] = ModelPlan(endings=(Ending.HANGS,))
    new.until(lambda one: one.model.training is not None and one.model.training.reason == "TimedOut")
    stops = [action for one in new.passes for action in one.done if isinstance(action, TerminateRun)]
    assert stops
    new.settle()
    assert new.condition("Stalled") == "True TimedOut"
