"""What the operator submits is what the trainer understands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from churn_operator.api.v1alpha1 import ChurnModelSpec
from churn_operator.api.v1alpha1.status import ChampionStatus, TrainingState, TrainingStatus
from churn_operator.core.observation import Installation, ObjectKey, PipelinesTarget
from churn_operator.core.training import submission
from churn_report.telco import TELCO_COLUMNS
from churn_trainer.contract import parse_columns
from churn_trainer.request import DEFAULT_CONFIDENCE, RunRequest, check_champion

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).parents[3] / "operator/churn_operator/pipelines/churn-training.yaml"
CHAMPION = ChampionStatus(version=3, model_uri="s3://mlops/team/churn/abc/1/model", sha256="a" * 64, confidence=0.975)


def _submitted(champion: ChampionStatus | None, **dataset: object) -> dict[str, str | int]:
    installation = Installation(
        artifact_root="s3://mlops",
        code_version="1",
        trainer_image="trainer:1",
        runtime="churn-serving",
        s3_endpoint="http://127.0.0.1:8333",
        pipelines=PipelinesTarget("http://kfp", "kubeflow", ""),
        pipelines_secret="artifacts",
        traffic_driver="knative",
    )
    training = TrainingStatus(
        key="abc",
        dataset_digest="d" * 64,
        attempt=1,
        state=TrainingState.PENDING,
        run_name="churn-abc-1",
        output_uri="s3://mlops/team/churn/abc/1",
        champion=champion,
        requested=datetime(2026, 1, 1, tzinfo=UTC),
    )
    spec = ChurnModelSpec.model_validate({"dataset": {"uri": "s3://mlops/customers.csv", **dataset}})
    return dict(submission(spec, installation, ObjectKey("team", "churn"), training, package=None).parameters)


@pytest.mark.parametrize("champion", [None, CHAMPION], ids=["first", "challenger"])
def test_the_operator_submits_every_parameter_of_the_package(champion: ChampionStatus | None) -> None:
    (package, *_) = yaml.safe_load_all(PACKAGE.read_text())
    parameters = package["root"]["inputDefinitions"]["parameters"]
    submitted = _submitted(champion)

    assert submitted.keys() == parameters.keys() == RunRequest.model_fields.keys()
    kinds = {name: "NUMBER_INTEGER" if isinstance(value, int) else "STRING" for name, value in submitted.items()}
    assert kinds == {name: parameter["parameterType"] for name, parameter in parameters.items()}


def test_the_trainer_reads_the_champion_as_the_operator_means_it() -> None:
    request = RunRequest.model_validate(_submitted(CHAMPION), strict=True)

    check_champion(request)
    assert (request.champion_uri, request.champion_sha256) == (CHAMPION.model_uri, CHAMPION.sha256)
    assert (request.champion_version, request.confidence) == ("3", 0.975)


def test_without_a_champion_there_is_none_to_the_trainer() -> None:
    request = RunRequest.model_validate(_submitted(None), strict=True)

    check_champion(request)
    assert (request.champion_uri, request.confidence) == ("", DEFAULT_CONFIDENCE)


def test_a_submission_from_before_there_were_champions_still_runs() -> None:
    (package, *_) = yaml.safe_load_all(PACKAGE.read_text())
    parameters = package["root"]["inputDefinitions"]["parameters"]

    for name in ("champion_uri", "champion_sha256", "champion_version", "champion_confidence"):
        assert parameters[name]["isOptional"] is True
        assert parameters[name]["defaultValue"] == ""


def test_declared_columns_cross_the_wire_as_they_are() -> None:
    declared = [column.model_dump(mode="json", exclude_defaults=True) for column in TELCO_COLUMNS]

    assert parse_columns(str(_submitted(None, columns=declared)["columns"])) == TELCO_COLUMNS
