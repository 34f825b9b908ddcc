"""Deleting a ChurnModel: by either policy, and when parts of the world are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1 import Phase
from churn_operator.core.decide import decide
from churn_operator.core.observation import Fault, InvalidSpec

from tests.unit.core.world import INSTALLATION, World, in_service, world

SOON = INSTALLATION.cleanup_deadline + timedelta(seconds=10)


def gone(model: World) -> World:
    started = model.now
    model.delete()
    model.until(lambda one: not one.exists)
    assert model.now - started <= SOON
    return model


def test_delete_removes_service_runs_and_artifacts(driver: str) -> None:
    model = gone(in_service(driver, deletion_policy="Delete"))
    model.advance(timedelta(minutes=1))
    assert model.serving.observe(model.now) is None
    assert not model.runs
    assert not model.reports
    assert "Deleting" in model.reasons()


def test_retain_removes_only_the_service(driver: str) -> None:
    model = gone(in_service(driver, deletion_policy="Retain"))
    model.advance(timedelta(minutes=1))
    assert model.serving.observe(model.now) is None
    assert len(model.runs) == 1
    assert len(model.reports) == 1


def test_delete_stops_the_run_under_way_before_it_removes_it(driver: str) -> None:
    new = world(driver, deletion_policy="Delete")
    new.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    gone(new)
    assert not new.runs


def test_delete_in_a_canary_removes_everything(driver: str) -> None:
    model = in_service(driver, deletion_policy="Delete")
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    gone(model)
    model.advance(timedelta(minutes=1))
    assert model.serving.observe(model.now) is None
    assert not model.runs


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_an_object_that_nothing_was_made_for_goes_at_once(policy: str) -> None:
    new = world(deletion_policy=policy)
    new.delete()
    assert not new.exists


@pytest.mark.parametrize("part", ["kfp_down", "s3_down", "kserve_down"])
def test_delete_gives_up_on_what_it_cannot_reach_with_a_warning(driver: str, part: str) -> None:
    model = in_service(driver, deletion_policy="Delete")
    setattr(model, part, True)
    gone(model)
    assert "CleanupGaveUp" in model.reasons()
    told = next(event.message for event in model.events if event.reason == "CleanupGaveUp")
    assert "connection refused" in told


@pytest.mark.parametrize("part", ["kfp_down", "s3_down"])
def test_retain_does_not_need_kfp_or_the_object_store(driver: str, part: str) -> None:
    model = in_service(driver, deletion_policy="Retain")
    setattr(model, part, True)
    started = model.now
    gone(model)
    assert "CleanupGaveUp" not in model.reasons()
    assert model.now - started < timedelta(seconds=15)


def test_a_suspended_object_can_be_deleted(driver: str) -> None:
    model = in_service(driver, deletion_policy="Delete")
    model.change(suspend=True)
    model.settle()
    gone(model)
    assert not model.runs


def test_an_object_whose_spec_cannot_be_read_is_deleted_and_its_artifacts_stay(driver: str) -> None:
    model = in_service(driver, deletion_policy="Delete")
    model.set_spec(InvalidSpec("no"))
    gone(model)
    model.advance(timedelta(minutes=1))
    assert model.serving.observe(model.now) is None
    assert len(model.reports) == 1


def test_an_object_that_is_going_says_so() -> None:
    model = in_service(deletion_policy="Delete")
    model.kfp_down = True
    model.delete()
    for _ in range(3):
        model.step()
    assert model.model.phase is Phase.DELETING
    assert model.condition("Ready") == "False Deleting"
    assert model.condition("Reconciling") == "True Deleting"
    assert model.condition("Stalled") == "False Progressing"


def test_what_may_not_be_removed_is_told_with_the_reason() -> None:
    model = in_service(deletion_policy="Delete")
    model.delete()
    model.step()
    refused = Fault("DeleteServing", True, "Kubernetes: 403 churn-operator cannot delete inferenceservices")
    told = decide(replace(model.observe(), faults=(refused,)))
    reconciling = told.status.condition("Reconciling")
    assert reconciling is not None
    assert reconciling.message.endswith("Kubernetes: 403 churn-operator cannot delete inferenceservices")
    model.advance(SOON)
    given_up = decide(replace(model.observe(), faults=(refused,)))
    assert "cannot delete inferenceservices" in given_up.events[-1].message


def test_a_lost_answer_during_cleanup_is_tried_again(driver: str) -> None:
    model = in_service(driver, deletion_policy="Delete")
    model.lost_answers = 2
    gone(model)
    assert not model.runs
