"""KFP's runs as the core knows them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from churn_operator.adapters.kfp_runs import active, is_run_of, listed_run, named, oldest, run_of, state_of
from churn_operator.core.observation import RunState
from kfp_server_api import (
    GoogleRpcStatus,
    V2beta1PipelineTaskDetail,
    V2beta1Run,
    V2beta1RunDetails,
    V2beta1RuntimeState,
)

pytestmark = pytest.mark.unit

_CREATED = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)

_STATES = {
    "RUNTIME_STATE_UNSPECIFIED": RunState.RUNNING,
    "PENDING": RunState.PENDING,
    "RUNNING": RunState.RUNNING,
    "SUCCEEDED": RunState.SUCCEEDED,
    "SKIPPED": RunState.SUCCEEDED,
    "FAILED": RunState.FAILED,
    "CANCELING": RunState.RUNNING,
    "CANCELED": RunState.CANCELED,
    "PAUSED": RunState.RUNNING,
}


@pytest.mark.parametrize(("state", "meaning"), _STATES.items())
def test_every_state_of_kfp_has_a_meaning(state: str, meaning: RunState) -> None:
    assert state_of(state) is meaning


def test_the_table_has_every_state_the_sdk_knows() -> None:
    assert set(_STATES) == set(V2beta1RuntimeState.allowable_values)


@pytest.mark.parametrize("state", [None, "", "SUSPENDED"])
def test_a_state_nobody_knows_has_not_ended(state: str | None) -> None:
    assert state_of(state) is RunState.RUNNING


def test_the_listing_asks_for_every_state_that_has_not_ended() -> None:
    asked = json.loads(active())["predicates"][0]["stringValues"]["values"]
    assert set(asked) == {state for state in _STATES if not state_of(state).terminal}


def _run(run_id: str = "r1", created: datetime | None = _CREATED, **fields: Any) -> V2beta1Run:
    return V2beta1Run(run_id=run_id, display_name="telco-0123456789-1", created_at=created, **fields)


def test_a_run_is_read() -> None:
    run = run_of(_run(state="SUCCEEDED"), "https://kubeflow.example/pipeline/")
    assert (run.id, run.name, run.state) == ("r1", "telco-0123456789-1", RunState.SUCCEEDED)
    assert run.created == _CREATED
    assert run.url == "https://kubeflow.example/pipeline/#/runs/details/r1"
    assert run.error == ""


def test_the_errors_of_a_run_and_its_tasks_are_told_once_each() -> None:
    details = V2beta1RunDetails(
        task_details=[
            V2beta1PipelineTaskDetail(display_name="train", error=GoogleRpcStatus(message="out of memory")),
            V2beta1PipelineTaskDetail(display_name="train", error=GoogleRpcStatus(message="out of memory")),
            V2beta1PipelineTaskDetail(display_name="publish"),
        ]
    )
    run = run_of(_run(state="FAILED", error=GoogleRpcStatus(message="1 of 5 failed"), run_details=details), "http://ui")
    assert run.error == "1 of 5 failed; train: out of memory"


def test_a_time_without_a_zone_is_utc() -> None:
    assert run_of(_run(created=_CREATED.replace(tzinfo=None)), "http://ui").created == _CREATED


def test_the_oldest_run_is_adopted_whatever_the_order() -> None:
    runs = [_run("b"), _run("late", _CREATED.replace(hour=13)), _run("a")]
    assert oldest(runs).run_id == "a"  # type: ignore[union-attr]
    assert oldest(list(reversed(runs))).run_id == "a"  # type: ignore[union-attr]
    assert oldest([]) is None


def test_names_are_quoted_in_filters() -> None:
    predicate = json.loads(named('tel"co'))["predicates"][0]
    assert (predicate["key"], predicate["stringValue"]) == ("display_name", 'tel"co')


@pytest.mark.parametrize(
    ("name", "belongs"),
    [
        ("telco-0123456789-1", True),
        ("telco-abcdefabcd-12", True),
        ("telco-churn-0123456789-1", False),
        ("mytelco-0123456789-1", False),
        ("telco-0123456789", False),
        ("telco-012345678Z-1", False),
        ("telco-0123456789-1-clone", False),
    ],
)
def test_only_a_models_own_runs_are_its_leftovers(name: str, belongs: bool) -> None:
    assert is_run_of("telco", name) is belongs


def test_a_run_of_a_listing_is_read_as_the_sdk_would_read_it() -> None:
    raw = {
        "run_id": "r1",
        "display_name": "telco-0123456789-1",
        "state": "RUNNING",
        "created_at": "2026-08-01T12:00:00Z",
        "pipeline_spec": {"pipeline_spec": {}, "platform_spec": {}},
    }
    assert listed_run(raw, "http://kfp/") == run_of(_run(state="RUNNING"), "http://kfp/")


def test_a_run_of_a_listing_that_leaves_out_what_is_empty_is_read() -> None:
    run = listed_run({"run_id": "r1"}, "http://kfp")
    assert (run.name, run.state, run.created) == ("", RunState.RUNNING, datetime.fromtimestamp(0, UTC))


@pytest.mark.parametrize("raw", [{"display_name": "no id"}, {"run_id": "r1", "created_at": "yesterday"}])
def test_what_is_no_run_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        listed_run(raw, "http://kfp")
