"""The JSON of runs and experiments, and the bodies they are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from churn_devcluster.pipelines.answers import RequestError
from churn_devcluster.pipelines.records import Experiment, Run, RunState, StateChange
from churn_devcluster.pipelines.requests import NewExperiment, NewRun
from churn_devcluster.pipelines.wire import experiment_answer, run_answer

_CREATED = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
_SPEC: dict[str, Any] = {
    "root": {
        "inputDefinitions": {"parameters": {"uri": {}, "seed": {"defaultValue": 0}, "note": {"isOptional": True}}}
    },
    "deploymentSpec": {"executors": {}},
}
_EXPERIMENT = Experiment(id="e", display_name="churn", namespace="team", created_at=_CREATED)


def _run(**changes: Any) -> Run:
    run = Run(
        id="r",
        experiment_id="e",
        display_name="churn-1",
        pipeline_spec=_SPEC,
        created_at=_CREATED,
        history=(StateChange(state=RunState.PENDING, at=_CREATED),),
    )
    return run.model_copy(update=changes)


def test_a_waiting_run_has_no_empty_fields_and_has_not_finished_in_1970() -> None:
    assert run_answer(_run()) == {
        "experiment_id": "e",
        "run_id": "r",
        "display_name": "churn-1",
        "storage_state": "AVAILABLE",
        "pipeline_spec": _SPEC,
        "created_at": "2026-03-01T12:30:05Z",
        "scheduled_at": "2026-03-01T12:30:05Z",
        "finished_at": "1970-01-01T00:00:00Z",
        "state": "PENDING",
        "state_history": [{"update_time": "2026-03-01T12:30:05Z", "state": "PENDING"}],
    }


def test_a_platform_spec_is_answered_beside_the_pipeline_spec() -> None:
    platform = {"platforms": {"kubernetes": {}}}
    assert run_answer(_run(platform_spec=platform))["pipeline_spec"] == {
        "pipeline_spec": _SPEC,
        "platform_spec": platform,
    }


def test_a_failed_run_has_finished_and_carries_no_error() -> None:
    failed = _run().moved_to(RunState.RUNNING).moved_to(RunState.FAILED)
    answer = run_answer(failed)
    assert answer["state"] == "FAILED"
    assert answer["finished_at"] == answer["state_history"][-1]["update_time"]
    assert "error" not in answer


def test_a_retried_run_has_not_finished() -> None:
    retried = _run().moved_to(RunState.FAILED).moved_to(RunState.PENDING)
    assert run_answer(retried)["finished_at"] == "1970-01-01T00:00:00Z"


def test_an_experiment_is_answered_with_its_namespace() -> None:
    assert experiment_answer(_EXPERIMENT) == {
        "experiment_id": "e",
        "display_name": "churn",
        "created_at": "2026-03-01T12:30:05Z",
        "namespace": "team",
        "storage_state": "AVAILABLE",
    }


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_pipeline_spec_comes_bare_or_beside_a_platform_spec(wrapped: bool) -> None:
    platform = {"platforms": {"kubernetes": {}}}
    spec = {"pipeline_spec": _SPEC, "platform_spec": platform} if wrapped else _SPEC
    body = NewRun.model_validate(
        {"display_name": "x", "pipeline_spec": spec, "runtime_config": {"parameters": {"uri": "s3://a/b"}}}
    )
    run = body.run(_EXPERIMENT, "kubeflow")
    assert run.pipeline_spec == _SPEC
    assert run.platform_spec == (platform if wrapped else {})
    assert run.state is RunState.PENDING
    assert run.namespace == "team"


def test_an_experiment_without_a_namespace_lends_the_default_one() -> None:
    body = NewRun(display_name="x", pipeline_spec=_SPEC, runtime_config={"parameters": {"uri": ""}})  # type: ignore[arg-type]
    assert body.run(_EXPERIMENT.model_copy(update={"namespace": ""}), "kubeflow").namespace == "kubeflow"


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"display_name": "x"}, 400, "no pipeline spec"),
        ({"display_name": "x", "pipeline_spec": {"root": {}}}, 400, "no pipeline spec"),
        ({"display_name": "x", "pipeline_spec": _SPEC}, 400, "No value for the parameter uri"),
        ({"pipeline_spec": _SPEC, "runtime_config": {"parameters": {"uri": ""}}}, 400, "name is empty"),
        (
            {"display_name": "x", "pipeline_spec": _SPEC, "runtime_config": {"parameters": {"url": ""}}},
            400,
            "no parameter url",
        ),
        (
            {"display_name": "x" * 256, "pipeline_spec": _SPEC, "runtime_config": {"parameters": {"uri": ""}}},
            500,
            "Data too long",
        ),
    ],
)
def test_a_bad_run_is_refused(body: dict[str, Any], status: int, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence) as refused:
        NewRun.model_validate(body).run(_EXPERIMENT, "kubeflow")
    assert refused.value.status == status


def test_an_experiment_needs_a_name() -> None:
    with pytest.raises(RequestError, match="The experiment name is empty"):
        NewExperiment().experiment()
