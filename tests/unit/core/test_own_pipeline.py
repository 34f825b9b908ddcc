"""A user's own pipeline: its content is part of the key, and what cannot be run is refused before anything runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from churn_operator.api.v1alpha1 import ChurnModelSpec, Phase
from churn_operator.core.actions import SubmitRun
from churn_operator.core.fingerprint import fingerprint, fingerprint_for_key
from churn_operator.core.observation import PipelineInput, UnreadablePackage
from churn_operator.core.pipeline_contract import GIVEN
from churn_operator.core.questions import questions
from churn_operator.core.training import training_key

from tests.unit.core.checked_world import CheckedWorld, checked
from tests.unit.core.world import DATASET, KEY, PACKAGE, Ending, ModelPlan, package, spec

OWN = {"training__pipeline": {"uri": PACKAGE}}
BROKEN = UnreadablePackage("is not YAML (line 3): compile the pipeline with kfp 2")


def own(driver: str = "knative", **changes: Any) -> CheckedWorld:
    """A new ChurnModel whose own package is there."""
    made = checked(driver, **OWN, **changes)
    made.packages[PACKAGE] = package()
    return made


def in_service(driver: str = "knative", **changes: Any) -> CheckedWorld:
    """The same in service."""
    made = own(driver, **changes)
    made.settle()
    assert made.traffic() == {1: 100}, made.model
    return made


def submissions(world: CheckedWorld) -> list[SubmitRun]:
    """Every run that KFP has."""
    return [run.request for run in world.runs]


def test_a_package_of_ones_own_is_trained_and_served(driver: str) -> None:
    model = in_service(driver)
    (run,) = submissions(model)
    assert run.package is not None
    assert (run.package.location.uri, run.package.digest) == (PACKAGE, "package-one")
    assert run.package.location == replace(run.package.location, endpoint="http://s3:9000", secret_name=None)
    assert model.condition("PipelineReady") == "True PipelineAdopted"
    assert model.message("PipelineReady") == f"{PACKAGE} with digest package-one"
    version = model.model.versions[0]
    assert (version.pipeline, version.image) == ("package-one", "")
    assert model.reasons()[:2] == ["PipelineAdopted", "DatasetAdopted"]


def test_the_steps_keep_their_images_unless_spec_names_one() -> None:
    assert submissions(in_service())[0].image is None
    named = in_service(training__image="team/trainer:7")
    assert submissions(named)[0].image == "team/trainer:7"
    assert named.model.versions[0].image == "team/trainer:7"


def test_the_package_is_opened_as_the_dataset_is() -> None:
    changes = {"dataset__endpoint": "http://other:9000", "dataset__secret_ref": {"name": "reader"}}
    (run,) = submissions(in_service(**changes))
    assert run.package is not None
    location = run.package.location
    assert (location.endpoint, location.namespace, location.secret_name) == ("http://other:9000", "team", "reader")


def test_a_changed_package_trains_again(driver: str) -> None:
    model = in_service(driver)
    model.packages[PACKAGE] = package("package-two")
    model.settle()
    assert [version.pipeline for version in model.model.versions] == ["package-one", "package-two"]
    assert model.model.rollout.stable == 2
    assert len(model.runs) == 2


def test_a_package_that_changes_back_needs_no_run() -> None:
    model = in_service()
    for digest in ("package-two", "package-one"):
        model.packages[PACKAGE] = package(digest)
        model.settle()
    assert len(model.runs) == 2
    assert model.model.rollout.stable == 1


def test_a_changed_package_trains_on_the_data_as_it_is_by_then() -> None:
    """The trainer refuses data that is not that of the key, so a new key is made with today's."""
    model = in_service()
    model.datasets[DATASET] = "digest-two"
    model.packages[PACKAGE] = package("package-two")
    model.settle()
    assert [version.dataset_digest for version in model.model.versions] == ["digest-one", "digest-two"]


def test_the_same_content_under_another_name_needs_no_run() -> None:
    model = in_service()
    model.packages["s3://data/pipelines/v2.yaml"] = package()
    model.change(training__pipeline={"uri": "s3://data/pipelines/v2.yaml"})
    model.settle()
    assert len(model.runs) == 1
    assert model.traffic() == {1: 100}
    assert "v2.yaml" in model.message("PipelineReady")


def test_a_package_that_changes_in_a_rollout_waits_for_its_end(driver: str) -> None:
    model = in_service(driver)
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    model.packages[PACKAGE] = package("package-two")
    model.until(lambda one: one.model.rollout.stable == 2)
    assert len(model.runs) == 2
    model.settle()
    assert [version.pipeline for version in model.model.versions] == ["package-one", "package-one", "package-two"]


def test_from_the_built_in_pipeline_to_ones_own_and_back(driver: str) -> None:
    model = in_service(driver)
    model.change(training__pipeline=None)
    model.settle()
    assert model.condition("PipelineReady") == "absent"
    assert model.model.pipeline is None
    assert [version.pipeline for version in model.model.versions] == ["package-one", None]
    assert [version.image for version in model.model.versions] == ["", "trainer:1"]
    model.change(training__pipeline={"uri": PACKAGE})
    model.settle()
    assert len(model.runs) == 2
    assert model.model.rollout.stable == 1


# What is refused


@pytest.mark.parametrize(
    ("found", "reason", "said"),
    [
        (None, "PipelineNotFound", f"no object at {PACKAGE}: upload the compiled package"),
        (BROKEN, "PipelineUnreadable", f"{PACKAGE} is not YAML (line 3)"),
        (replace(package(), inputs=()), "PipelineUnsuitable", "takes no output_uri and key"),
        (
            package(takes=("seed", "algorithm", "region")),
            "PipelineUnsuitable",
            "requires region, which no run is given",
        ),
        (package(takes=("algorithm", "hyperparameters")), "PipelineUnsuitable", "spec.training.seed is set"),
        (package(takes=("seed",)), "PipelineUnsuitable", "spec.training.algorithm is set"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence_and_runs_once_it_is_mended(
    found: Any, reason: str, said: str
) -> None:
    new = own()
    new.packages = {} if found is None else {PACKAGE: found}
    new.settle()
    assert new.condition("PipelineReady") == f"False {reason}"
    assert new.condition("Stalled") == f"True {reason}"
    assert new.condition("Ready") == f"False {reason}"
    assert said in new.message("Stalled")
    assert new.model.phase is Phase.FAILED
    assert new.reasons().count(reason) == 1
    assert not new.runs
    new.packages[PACKAGE] = package("package-mended")
    new.settle()
    assert new.traffic() == {1: 100}
    assert new.condition("Stalled") == "False UpToDate"


@pytest.mark.parametrize("found", [None, BROKEN, replace(package(), inputs=(), digest="package-two")])
def test_a_package_that_breaks_keeps_the_version_in_service(driver: str, found: Any) -> None:
    model = in_service(driver)
    model.packages = {} if found is None else {PACKAGE: found}
    model.settle()
    assert model.condition("PipelineReady").startswith("False Pipeline")
    assert model.condition("Ready") == "True InService"
    assert model.condition("Stalled").startswith("True Pipeline")
    assert model.traffic() == {1: 100}
    assert len(model.runs) == 1
    assert model.model.phase is Phase.SERVING
    model.packages = {PACKAGE: package("package-three")}
    model.settle()
    assert [version.pipeline for version in model.model.versions] == ["package-one", "package-three"]
    assert model.condition("Stalled") == "False UpToDate"


def test_new_data_is_not_trained_on_by_a_package_that_cannot_be_run() -> None:
    model = in_service(triggers__dataset_change={"enabled": True, "poll_interval": "1m"})
    model.packages[PACKAGE] = BROKEN
    model.datasets[DATASET] = "digest-two"
    model.settle()
    assert len(model.runs) == 1
    model.packages[PACKAGE] = package()
    model.settle()
    assert [version.dataset_digest for version in model.model.versions] == ["digest-one", "digest-two"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training__hyperparameters": {"C": 0.3}}, "training.hyperparameters is set, but the pipeline takes no hyper"),
        (
            {"training__seed": 7},
            "training.seed is set, but the pipeline takes no seed: declare it, or remove the field",
        ),
        ({"dataset__target": "left"}, "dataset.target is set"),
        ({"dataset__columns": [{"name": "tenure", "kind": "number"}]}, "dataset.columns is set"),
        ({"evaluation__champion": {}}, "takes no champion_uri and champion_sha256"),
    ],
)
def test_what_spec_sets_and_the_pipeline_does_not_take_is_refused_not_ignored(
    changes: dict[str, Any], said: str
) -> None:
    new = own(training__seed=42, training__algorithm="auto")
    new.packages[PACKAGE] = package(takes=())
    before = new.spec
    new.change(**changes)
    new.settle()
    assert new.condition("PipelineReady") == "False PipelineUnsuitable"
    assert said in new.message("PipelineReady")
    assert not new.runs
    new.set_spec(before)
    new.settle()
    assert new.traffic() == {42: 100}


def test_hyperparameters_of_ones_own_pipeline_need_no_algorithm() -> None:
    new = own(training__seed=42, training__algorithm="auto", training__hyperparameters={"depth": 3})
    new.settle()
    assert new.traffic() == {42: 100}


def test_resources_need_a_step_to_go_to() -> None:
    new = own()
    new.packages[PACKAGE] = package(steps=("fit", "write"))
    new.settle()
    assert new.traffic() == {1: 100}
    new.change(training__seed=2, training__resources={"limits": {"memory": "4Gi"}})
    new.settle()
    assert "step named train, but the pipeline has fit, write" in new.message("Stalled")
    assert new.traffic() == {1: 100}
    new.change(training__resources={})
    new.settle()
    assert new.traffic() == {2: 100}


def test_resources_that_are_set_just_before_the_submission_keep_it_from_being_submitted() -> None:
    new = own()
    new.packages[PACKAGE] = package(steps=("fit",))
    new.until(lambda one: one.condition("Trained") == "False TrainingRequested")
    new.change(training__resources={"limits": {"memory": "4Gi"}})
    new.settle()
    assert not new.runs
    assert new.condition("Stalled") == "True PipelineUnsuitable"
    new.change(training__resources={})
    new.settle()
    assert new.traffic() == {1: 100}
    assert len(new.runs) == 1


@pytest.mark.parametrize(
    ("name", "type_", "said"),
    [
        ("seed", "STRING", "takes seed as STRING, which a run is given as int: declare it as int"),
        ("hyperparameters", "STRUCT", "declare it as str"),
        ("dataset_uri", "ARTIFACT", "declare it as str"),
    ],
)
def test_an_input_of_another_type_is_refused(name: str, type_: str, said: str) -> None:
    new = own()
    others = tuple(one for one in package().inputs if one.name != name)
    new.packages[PACKAGE] = replace(package(), inputs=(*others, PipelineInput(name, type_, required=False)))
    new.settle()
    assert said in new.message("PipelineReady")


def test_an_input_that_is_not_given_may_have_a_default() -> None:
    new = own()
    extra = PipelineInput("region", "STRING", required=False)
    new.packages[PACKAGE] = replace(package(), inputs=(*package().inputs, extra))
    new.settle()
    assert new.traffic() == {1: 100}


def test_every_parameter_of_a_run_is_one_that_a_package_may_declare() -> None:
    (run,) = submissions(in_service())
    assert set(run.parameters) == set(GIVEN)
    for name, value in run.parameters.items():
        assert ("NUMBER_INTEGER" if isinstance(value, int) else "STRING") in GIVEN[name]


# What cannot be seen, and what changes under way


def test_out_of_sight_nothing_begins_and_nothing_breaks(driver: str) -> None:
    new = own(driver)
    new.s3_down = True
    new.settle()
    assert new.condition("PipelineReady") == "Unknown S3Unavailable"
    assert not new.runs
    new.s3_down = False
    new.settle()
    assert new.traffic() == {1: 100}
    new.s3_down = True
    new.settle()
    assert new.condition("PipelineReady") == "Unknown S3Unavailable"
    assert new.condition("Ready") == "True InService"
    new.s3_down = False
    new.settle()
    assert new.condition("PipelineReady") == "True PipelineAdopted"
    assert len(new.runs) == 1


def test_a_package_that_changes_before_its_submission_is_looked_at_again(driver: str) -> None:
    new = own(driver)
    new.overwritten = package("package-two")
    new.settle()
    (run,) = submissions(new)
    assert run.package is not None
    assert run.package.digest == "package-two"
    assert run.parameters["key"] == new.model.versions[0].key
    assert new.model.versions[0].pipeline == "package-two"


@pytest.mark.parametrize("found", [BROKEN, replace(package(), inputs=(), digest="package-two")])
def test_a_package_that_breaks_before_its_submission_is_refused_and_not_tried_in_a_loop(found: Any) -> None:
    new = own()
    new.overwritten = found
    new.settle()
    assert not new.runs
    assert new.condition("Stalled").startswith("True Pipeline")
    pause = new.reconcile().requeue_after
    assert pause is not None
    assert pause >= timedelta(seconds=10)
    new.packages[PACKAGE] = package()
    new.settle()
    assert new.traffic() == {1: 100}


def test_a_package_that_changes_between_two_attempts_is_another_training() -> None:
    new = own()
    new.plans[1] = ModelPlan(endings=(Ending.FAILS,))
    new.until(lambda one: one.condition("Reconciling") == "True BackingOff")
    new.packages[PACKAGE] = package("package-two")
    new.plans[1] = ModelPlan()
    new.settle()
    assert [run.package.digest for run in submissions(new) if run.package] == ["package-one", "package-two"]
    assert new.traffic() == {1: 100}


def test_a_crash_between_submission_and_status_makes_no_second_run() -> None:
    new = own()
    new.until(lambda one: one.condition("Trained") == "False TrainingRequested")
    new.until(lambda one: one.finalized)
    new.reconcile(crash_after=1)
    assert len(new.runs) == 1
    new.packages[PACKAGE] = BROKEN
    new.until(lambda one: one.model.rollout.stable == 1)
    assert len(new.runs) == 1


def test_a_run_without_a_report_says_which_file_was_expected_where() -> None:
    new = own(training__retries=0)
    new.plans[1] = ModelPlan(endings=(Ending.LEAVES_NO_REPORT,))
    new.settle()
    assert new.condition("Stalled") == "True ReportMissing"
    (run,) = submissions(new)
    assert f"{run.parameters['output_uri']}/report.json" in new.message("Stalled")


def test_a_pipeline_that_refuses_its_data_is_not_tried_again_until_it_changes() -> None:
    new = own()
    new.plans[1] = ModelPlan(endings=(Ending.REFUSES,))
    new.settle()
    assert new.condition("Stalled") == "True MissingColumn"
    new.advance(timedelta(hours=1))
    new.settle()
    assert len(new.runs) == 1
    new.plans[1] = ModelPlan()
    new.packages[PACKAGE] = package("package-two")
    new.settle()
    assert new.traffic() == {1: 100}


def test_pinned_or_suspended_the_package_is_not_looked_at(driver: str) -> None:
    model = in_service(driver)
    for changes in ({"rollback_to": 1}, {"suspend": True}):
        model.change(**changes)
        model.settle()
        passes = len(model.passes)
        model.packages[PACKAGE] = package("package-two")
        model.advance(timedelta(hours=1))
        model.settle()
        assert all(one.observation.package.message == "" for one in model.passes[passes:])  # type: ignore[union-attr]
        model.packages[PACKAGE] = package()
        model.change(**dict.fromkeys(changes, None if "rollback_to" in changes else False))
        model.settle()
    assert len(model.runs) == 1


def test_at_rest_one_look_an_interval_is_asked_for_and_a_refused_package_is_looked_at_anew_each_time() -> None:
    model = in_service(triggers__dataset_change={"enabled": False, "poll_interval": "10m"})
    assert model.reconcile().requeue_after == timedelta(minutes=10)
    assert _asked(model) == timedelta(minutes=5)
    model.packages[PACKAGE] = BROKEN
    model.until(lambda one: one.condition("PipelineReady") == "False PipelineUnreadable")
    assert model.reconcile().requeue_after == timedelta(seconds=30)
    assert _asked(model) == timedelta(0)


def _asked(model: CheckedWorld) -> timedelta:
    asked = questions(model.subject(), model.installation, model.now)
    assert asked.dataset is None
    assert asked.package is not None
    return asked.package.max_age


def test_without_a_pipeline_of_ones_own_nothing_more_is_asked_than_before() -> None:
    model = checked("knative")
    model.settle()
    assert model.reconcile().requeue_after is None
    assert questions(model.subject(), model.installation, model.now).package is None


# The keys of before

KEYS_OF_BEFORE = {
    "minimal": (
        ChurnModelSpec.model_validate({"dataset": {"uri": DATASET}}),
        "daedee40db5a9793bb8b3e8df03f344382e4240662f4a08043bfb4b8cd94079e",
    ),
    "the demo's": (spec(), "fb44f6f8789eb3c8ced3c333f706d9ac179e8cc829efed00b73951287eeeee9a"),
}


@pytest.mark.parametrize("name", KEYS_OF_BEFORE)
def test_without_a_pipeline_of_ones_own_the_training_key_is_what_it_was_before_there_were_any(name: str) -> None:
    """Another key would train every ChurnModel anew when the operator is upgraded."""
    made, key = KEYS_OF_BEFORE[name]
    assert fingerprint_for_key(made) == fingerprint(made)
    assert training_key(KEY, fingerprint(made), "digest-one", "1") == key


def test_an_upgrade_leaves_a_status_of_before_as_it_is() -> None:
    model = checked("knative").settle()
    assert model.status is not None
    assert "pipeline" not in model.status["dataset"]
    assert "pipeline" not in model.status["versions"][0]
    assert "pipeline" not in model.status
