"""What the benchmark prepares is what the operator would have left, so that there is nothing to do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from churn_operator.adapters.kserve import knative
from churn_operator.api.reading import write_status
from churn_operator.core.decide import decide
from churn_operator.core.observation import Installation, Known, Observation, PipelinesTarget
from churn_operator.reconcile.subject import subject_of

from bench.operator.churn_models import in_service, new_model

pytestmark = pytest.mark.unit

INSTALLATION = Installation(
    artifact_root="s3://mlops/churn",
    code_version="test",
    trainer_image="trainer:test",
    runtime="churn-serving",
    s3_endpoint="http://127.0.0.1:1",
    pipelines=PipelinesTarget("http://127.0.0.1:2", "kubeflow", ""),
    pipelines_secret="artifacts",
    traffic_driver="knative",
)


def raw_model() -> dict[str, Any]:
    raw = new_model("churn", "s3://data/customers.csv", finalized=True)
    raw["metadata"] |= {"uid": "u1", "generation": 1, "resourceVersion": "1"}
    return raw


def later(raw: dict[str, Any]) -> Observation:
    """The observation of a pass, long after."""
    prepared = in_service(raw, "d" * 64, INSTALLATION)
    subject = subject_of({**raw, "status": prepared.status})
    seen = knative.observation({**prepared.service, "status": prepared.service_status})
    return Observation(datetime(2027, 1, 1, tzinfo=UTC), subject, INSTALLATION, serving=Known(seen))


def test_a_pass_over_it_asks_for_nothing_and_writes_nothing() -> None:
    raw = raw_model()
    decision = decide(later(raw))
    assert decision.actions == ()
    assert decision.events == ()
    assert decision.requeue_after is None
    assert write_status(decision.status) == in_service(raw, "d" * 64, INSTALLATION).status


def test_its_version_has_all_traffic() -> None:
    status = in_service(raw_model(), "d" * 64, INSTALLATION).status
    assert (status["phase"], status["traffic"]) == ("Serving", "v1 100%")
    assert status["rollout"]["stable"] == 1
    assert "candidate" not in status["rollout"]


def test_a_change_of_its_hyperparameters_asks_for_a_run() -> None:
    observation = later(raw_model())
    changed = raw_model()
    changed["spec"]["training"]["hyperparameters"] = {"C": 2.0}
    subject = replace(subject_of(changed), status=observation.subject.status)
    decision = decide(replace(observation, subject=subject, dataset=Known("d" * 64)))
    assert decision.status.training is not None
    assert decision.status.training.state == "Pending"
