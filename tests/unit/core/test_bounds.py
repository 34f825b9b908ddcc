"""Status stays small, whatever others say: an object that does not fit into etcd can never be written again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from churn_operator.api.reading import write_status
from churn_operator.api.v1alpha1.status import AnalysisStatus, ChurnModelStatus, Verdict
from churn_operator.core.analysis import CheckResult, Look, Reason, remembered
from churn_operator.core.decide import decide
from churn_operator.core.draft import REMEMBERED_REJECTIONS
from churn_operator.core.ending import roll_back
from churn_operator.core.observation import Known, Observation, Run, RunState
from churn_report import Failure, Outcome, Report

from tests.unit.core.rollouts import BEGAN, draft_of, minutes, rollout_status, spec_of
from tests.unit.core.world import START, World, in_service, world

HUGE = "traceback " * 100_000


def size(status: ChurnModelStatus) -> int:
    return len(json.dumps(write_status(status)))


def with_run_that_ended(model: World, state: RunState, report: Report | None, error: str = "") -> Observation:
    model.until(lambda one: one.condition("Trained") == "False TrainingRunning")
    training = model.model.training
    assert training is not None
    run = Run(str(training.run_id), training.run_name, state, START, error=error)
    return replace(model.observe(), run=Known(run), report=Known(report))


@pytest.mark.parametrize("retries", [0, 2])
def test_what_a_failed_run_says(retries: int) -> None:
    decision = decide(with_run_that_ended(world(training__retries=retries), RunState.FAILED, None, HUGE))
    assert decision.status.training is not None
    assert (decision.status.training.last_error or "").startswith("traceback")
    assert size(decision.status) < 20_000


def test_what_a_run_that_refuses_its_data_says() -> None:
    failure = Failure(step="validate", reason="MissingColumn", message=HUGE)
    refused = Report(outcome=Outcome.REJECTED, failure=failure, key="k", created=START, code_version="1")
    decision = decide(with_run_that_ended(world(), RunState.FAILED, refused))
    assert decision.status.rejected_keys
    assert size(decision.status) < 20_000


def test_what_a_model_server_says_of_a_hundred_candidates_that_failed() -> None:
    draft = draft_of(spec_of(), rollout_status(), minutes(1))
    candidate = draft.candidate
    assert candidate is not None
    for number in range(REMEMBERED_REJECTIONS + 5):
        key = f"{number:064d}"
        draft = roll_back(draft, candidate.model_copy(update={"key": key}), "CandidateFailed", HUGE)
    assert len(draft.status.rejected_keys) == REMEMBERED_REJECTIONS
    assert size(draft.status) < 150_000


def test_what_is_said_instead_of_the_answer_of_a_query() -> None:
    look = Look(Verdict.ERROR, (CheckResult("cost", Verdict.ERROR, Reason.UNAVAILABLE, None, None, 0, HUGE),))
    analysis: AnalysisStatus = remembered(None, look, BEGAN)
    assert size(rollout_status(analysis=analysis)) < 20_000


def test_metrics_that_a_pipeline_of_ones_own_reports_by_the_thousand() -> None:
    model = in_service()
    first = model.model.versions[0]
    model.change(training__seed=2)
    report = model.reports[first.output_uri]
    observation = with_run_that_ended(model, RunState.SUCCEEDED, None)
    training = observation.subject.status.training
    assert training is not None
    many = {f"mine{number}": 0.5 for number in range(10_000)}
    told = report.model_copy(update={"key": training.key, "metrics": {**many, **report.metrics}})
    decision = decide(replace(observation, report=Known(told)))
    assert decision.status.latest_version == 2
    assert set(first.metrics) < set(decision.status.versions[-1].metrics)
    assert size(decision.status) < 20_000
