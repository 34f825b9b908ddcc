"""Parts of the world out of reach, in every phase."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from churn_operator.core.decide import decide
from churn_operator.core.observation import Fault, Unknown

from tests.unit.core.kserve_world import ServingPlan
from tests.unit.core.world import PACKAGE, ModelPlan, World, in_service, world

PHASES = ["new", "requested", "training", "recorded", "starting", "canary", "last step", "in service", "pinning"]
PARTS = ["kfp_down", "s3_down", "kserve_down"]


def _in_phase(driver: str, phase: str) -> World:
    if phase == "new":
        return world(driver)
    model = in_service(driver)
    if phase == "in service":
        return model
    model.change(training__seed=2)
    match phase:
        case "requested":
            return model.until(lambda one: one.model.training.key != one.model.versions[0].key)
        case "training":
            return model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
        case "recorded":
            return model.until(lambda one: one.model.latest_version == 2)
        case "starting":
            return model.until(lambda one: one.condition("CanaryHealthy") == "Unknown CandidateStarting")
        case "canary":
            return model.until(lambda one: one.traffic().get(2) == 10)
        case "last step":
            return model.until(lambda one: one.model.rollout.step == 2)
        case _:
            model.settle()
            model.change(rollback_to=1)
            return model.until(lambda one: one.condition("Reconciling") == "True RollingBack")


def _outage(model: World, part: str, lasts: timedelta) -> None:
    setattr(model, part, True)
    over = model.now + lasts
    while model.now < over:
        before = model.now
        model.step()
        if model.now == before:
            model.advance(timedelta(seconds=1))
    setattr(model, part, False)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("phase", PHASES)
def test_an_outage_in_any_phase_changes_nothing_of_the_end(driver: str, phase: str, part: str) -> None:
    model = _in_phase(driver, phase)
    stable = model.model.rollout.stable
    _outage(model, part, timedelta(minutes=7))
    if stable is not None:
        assert model.traffic(), "the version in service went on answering"
    model.settle()
    assert model.traffic() == ({1: 100} if phase in ("new", "in service", "pinning") else {2: 100})
    assert model.condition("Ready").startswith("True")
    assert model.condition("Stalled") == "False UpToDate"
    assert model.condition("Reconciling") == "False UpToDate"
    assert "Unknown" not in {model.condition(kind).split()[0] for kind in ("DatasetReady", "Trained", "Served")}
    assert len(model.run_names()) == len(set(model.run_names()))


@pytest.mark.parametrize("phase", PHASES)
def test_kserve_out_of_sight_neither_promotes_nor_rolls_back_nor_deletes(driver: str, phase: str) -> None:
    model = _in_phase(driver, phase)
    before = model.model
    passes = len(model.passes)
    _outage(model, "kserve_down", timedelta(minutes=7))
    assert model.model.rollout.stable == before.rollout.stable
    assert not {"Promoted", "RolledBack", "RolledBackTo"} & {
        event.reason for one in model.passes[passes:] for event in one.decision.events
    }


def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    model = in_service()
    model.kserve_down = True
    model.advance(timedelta(minutes=10))
    model.settle()
    assert model.condition("Served") == "Unknown KServeUnavailable"
    assert model.condition("Ready") == "Unknown KServeUnavailable"
    model.kserve_down = False
    model.settle()
    assert model.reasons()[-2:] == ["KServeUnavailable", "Recovered"]


def test_a_step_that_cannot_be_applied_keeps_ready_and_is_told_once(driver: str) -> None:
    model = in_service(driver)
    model.apply_fails = True
    model.change(training__seed=2)
    _outage(model, "apply_fails", timedelta(minutes=7))
    assert model.condition("Ready") == "True InService"
    assert model.condition("Reconciling") == "True ServingUnavailable"
    assert model.reasons().count("ServingUnavailable") == 1
    model.settle()
    assert model.traffic() == {2: 100}


def test_a_step_that_is_refused_stalls_until_it_is_accepted(driver: str) -> None:
    model = in_service(driver)
    model.apply_refused = True
    model.change(training__seed=2)
    model.settle()
    assert model.condition("Stalled") == "True ServingRejected"
    assert "denied the request" in model.message("Stalled")
    assert model.condition("Ready") == "True InService"
    assert model.reasons().count("ServingRejected") == 1
    model.apply_refused = False
    model.settle()
    assert model.traffic() == {2: 100}


def test_a_first_inference_service_that_is_refused_stalls(driver: str) -> None:
    new = world(driver)
    new.apply_refused = True
    new.settle()
    assert new.condition("Stalled") == "True ServingRejected"
    assert new.condition("Ready") == "False ServingRejected"
    new.apply_refused = False
    assert new.settle().traffic() == {1: 100}


def test_a_change_whose_data_cannot_be_seen_is_not_said_to_be_done(driver: str) -> None:
    model = in_service(driver)
    model.s3_down = True
    model.change(training__seed=2)
    model.settle()
    assert model.model.observed_generation == model.generation
    assert model.condition("DatasetReady") == "Unknown S3Unavailable"
    assert model.condition("Reconciling") == "True InputUnseen"
    assert model.condition("Stalled").startswith("False")
    assert model.condition("Ready") == "True InService"
    model.s3_down = False
    assert model.settle().traffic() == {2: 100}


def test_a_change_to_a_package_that_cannot_be_seen_is_not_said_to_be_done() -> None:
    model = in_service()
    model.change(training__pipeline={"uri": PACKAGE})
    unseen = Unknown("S3Unavailable", "S3: connection refused")
    model._write(decide(replace(model.observe(), package=unseen)))
    assert model.condition("PipelineReady") == "Unknown S3Unavailable"
    assert model.condition("Reconciling") == "True InputUnseen"
    assert PACKAGE in model.message("Reconciling")


def test_data_that_nobody_waits_for_may_be_out_of_sight(driver: str) -> None:
    model = in_service(driver, triggers__dataset_change={"enabled": True, "poll_interval": "1m"})
    model.s3_down = True
    model.settle()
    assert model.condition("DatasetReady") == "Unknown S3Unavailable"
    assert model.condition("Reconciling") == "False UpToDate"


def test_data_that_may_not_be_read_waits_for_a_person_and_is_one_write_however_its_refusal_is_worded() -> None:
    new = world()
    refused = [Unknown("S3Rejected", f"AccessDenied, request {number}", rejected=True) for number in range(3)]
    for each in refused:
        new._write(decide(replace(new.observe(), dataset=each)))
    assert new.condition("Stalled") == "True S3Rejected"
    assert "secretRef" in new.message("Stalled")
    assert "request 0" in new.message("DatasetReady")
    assert new.condition("Ready") == "False S3Rejected"
    assert new.resource_version == 2


@pytest.mark.parametrize(
    ("rejected", "reason"), [(True, "True ActionRejected"), (False, "True ActionFailed")], ids=["refused", "failed"]
)
def test_a_finalizer_that_cannot_be_set_is_told_and_warned_of_once(rejected: bool, reason: str) -> None:
    new = world()
    new.reconcile()
    for number in range(3):
        fault = Fault("AddFinalizer", rejected, f"Kubernetes: 403 denied the request {number}")
        new._write(decide(replace(new.observe(), faults=(fault,))))
    assert new.condition("Stalled" if rejected else "Reconciling") == reason
    assert "AddFinalizer" in new.message("Stalled" if rejected else "Reconciling")
    assert "denied the request" in new.message("Stalled" if rejected else "Reconciling")
    assert new.reasons().count(reason.split()[1]) == 1


def test_an_outage_whose_errors_are_worded_differently_each_time_is_one_write(driver: str) -> None:
    model = in_service(driver)
    model.change(serving__min_replicas=2)
    writes = []
    for number in range(4):
        fault = Fault("ApplyServing", False, f"Kubernetes: cannot be reached: <connection at 0x{number}>")
        model._write(decide(replace(model.observe(), faults=(fault,))))
        writes.append(model.resource_version)
    assert model.condition("Reconciling") == "True ServingUnavailable"
    assert len(set(writes)) == 1


def test_a_warning_is_not_swallowed_because_an_old_rollback_had_the_same_reason() -> None:
    model = in_service()
    model.plans[2] = ModelPlan(serving=ServingPlan(start=None))
    model.change(training__seed=2)
    model.settle()
    model.change(training__seed=1)
    model.settle()
    assert model.condition("CanaryHealthy") == "False ProgressDeadlineExceeded"
    assert model.condition("Stalled") == "False UpToDate"
    model.plans[1] = ModelPlan(serving=ServingPlan(start=None))
    model.change(serving__min_replicas=2)
    model.settle()
    assert model.condition("Stalled") == "True ProgressDeadlineExceeded"
    assert model.reasons().count("ProgressDeadlineExceeded") == 1
