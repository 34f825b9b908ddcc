"""The compiled pipeline, run by kfp.local against a real S3."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from churn_devcluster.ports import free_port
from churn_report import Comparison, DataContract, Outcome, Report
from churn_report.digest import dataset_digest
from churn_trainer import CODE_VERSION
from churn_trainer.local import run_locally
from churn_trainer.rejection import DataRejected
from churn_trainer.request import RunRequest
from churn_trainer.synthetic import make_customers, write_customers
from urllib3.exceptions import HTTPError

from tests.integration.trainer.conftest import ACCESS_KEY, SECRET_KEY, Bucket

REPOSITORY = Path(__file__).parents[3]
PACKAGE = REPOSITORY / "operator/churn_operator/pipelines/churn-training.yaml"
_LIMIT_SECONDS = 600


def run_pipeline(work: Path, **arguments: str | int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    return subprocess.run(
        [
            sys.executable,
            str(Path(__file__).parent / "run_pipeline.py"),
            str(PACKAGE),
            str(work),
            json.dumps(arguments),
        ],
        env=environment,
        cwd=work,
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    write_customers(path, rows=5000, seed=11)
    return path


@pytest.mark.cluster
def test_a_run_publishes_model_report_holdout_and_plots(bucket: Bucket, customers: Path, tmp_path: Path) -> None:
    uri = bucket.put("data/good/customers.csv", customers)
    stat = bucket.client.stat_object(bucket.name, "data/good/customers.csv")
    digest = dataset_digest([("data/good/customers.csv", stat.etag, stat.size)])
    output = "runs/team/churn/abc/1"

    run = run_pipeline(
        tmp_path,
        dataset_uri=uri,
        dataset_digest=digest,
        s3_endpoint=bucket.endpoint,
        output_uri=f"s3://{bucket.name}/{output}",
        key="abc",
    )

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    report = Report.model_validate_json(bucket.get(f"{output}/report.json"))
    assert report.outcome is Outcome.SUCCEEDED
    assert (report.key, report.code_version) == ("abc", CODE_VERSION)
    assert report.dataset is not None
    assert report.dataset.digest == digest
    assert report.dataset.rows == report.dataset.train_rows + report.dataset.holdout_rows == 5000
    assert 0.8 < report.metrics["rocAuc"] < 0.9
    assert bucket.keys(f"{output}/") == sorted(
        f"{output}/{path}" for path in ["report.json", *(artifact.path for artifact in report.artifacts)]
    )
    for artifact in report.artifacts:
        content = bucket.get(f"{output}/{artifact.path}")
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (artifact.sha256, artifact.size_bytes)
    assert DataContract.model_validate_json(bucket.get(f"{output}/model/contract.json")).negative_label == "No"
    scored = tmp_path / "holdout.parquet"
    scored.write_bytes(bucket.get(f"{output}/holdout/holdout.parquet"))
    assert pq.read_table(scored).column_names == ["id", "target", "score"]


@pytest.mark.cluster
def test_bad_data_fails_the_step_after_a_report_that_says_why(bucket: Bucket, customers: Path, tmp_path: Path) -> None:
    lines = customers.read_text().splitlines()
    lines[3] = lines[3].replace('"Male"', '"Robot"').replace('"Female"', '"Robot"')
    spoilt = tmp_path / "spoilt.csv"
    spoilt.write_text("\n".join(lines) + "\n")
    uri = bucket.put("data/spoilt.csv", spoilt)

    run = run_pipeline(
        tmp_path, dataset_uri=uri, s3_endpoint=bucket.endpoint, output_uri=f"s3://{bucket.name}/runs/spoilt/1", key="k"
    )

    assert run.returncode != 0
    assert bucket.keys("runs/spoilt/") == ["runs/spoilt/1/report.json"]
    report = Report.model_validate_json(bucket.get("runs/spoilt/1/report.json"))
    assert report.outcome is Outcome.REJECTED
    assert report.failure is not None
    assert (report.failure.step, report.failure.reason) == ("validate", "UnseenCategory")
    assert "Column gender, row 3 of spoilt.csv" in report.failure.message
    assert report.failure.message in run.stdout


@pytest.mark.cluster
def test_data_that_changed_since_the_run_was_asked_for_is_refused(
    bucket: Bucket, customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = bucket.put("data/changed/customers.csv", customers)
    stat = bucket.client.stat_object(bucket.name, "data/changed/customers.csv")
    digest = dataset_digest([("data/changed/customers.csv", stat.etag, stat.size)])
    more = tmp_path / "more.csv"
    write_customers(more, rows=300, seed=12)
    bucket.put("data/changed/more.csv", more)

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    request = RunRequest(
        dataset_uri=uri.removesuffix("/customers.csv"),
        dataset_digest=digest,
        s3_endpoint=bucket.endpoint,
        output_uri=f"s3://{bucket.name}/runs/changed/1",
    )

    with pytest.raises(DataRejected) as caught:
        run_locally(request)

    assert caught.value.reason == "DatasetChanged"
    assert bucket.keys("runs/changed/") == ["runs/changed/1/report.json"]


@pytest.mark.cluster
def test_a_prefix_of_parquet_files_is_read_and_its_neighbours_are_not(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        part = tmp_path / f"part-{number}.parquet"
        table = make_customers(500, seed=number)
        ids = pa.array([f"{name}-{number}" for name in table.column("customerID").to_pylist()])
        pq.write_table(table.set_column(0, "customerID", ids), part)
        bucket.put(f"data/parts/day=1/{part.name}", part)
    bucket.put("data/parts-old/junk.parquet", Path(__file__))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)

    report = run_locally(
        RunRequest(
            dataset_uri=f"s3://{bucket.name}/data/parts",
            s3_endpoint=bucket.endpoint,
            output_uri=f"s3://{bucket.name}/runs/parts/1",
            algorithm="logisticRegression",
        )
    )

    assert report.dataset is not None
    assert report.dataset.rows == 1500
    objects = bucket.client.list_objects(bucket.name, prefix="data/parts/", recursive=True)
    assert report.dataset.digest == dataset_digest((o.object_name, o.etag, o.size) for o in objects)


@pytest.mark.cluster
@pytest.mark.parametrize("place", ["no-such-bucket/customers.csv", "churn/no/such/customers.csv"])
def test_a_dataset_that_is_not_there_is_refused(
    place: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    request = RunRequest(
        dataset_uri=f"s3://{place}",
        dataset_digest="0" * 64,
        s3_endpoint=bucket.endpoint,
        output_uri=str(tmp_path / "out"),
    )

    with pytest.raises(DataRejected) as caught:
        run_locally(request)

    assert caught.value.reason == "DatasetNotFound"
    assert place.split("/")[0] in caught.value.message


@pytest.mark.cluster
def test_a_store_that_is_down_leaves_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    port = free_port()

    with pytest.raises(HTTPError):
        run_locally(
            RunRequest(
                dataset_uri="s3://churn/data.csv",
                s3_endpoint=f"http://127.0.0.1:{port}",
                output_uri=str(tmp_path / "out"),
            )
        )

    assert not (tmp_path / "out").exists()


@pytest.mark.cluster
def test_a_champion_is_compared_and_the_evaluation_shows_on_the_pipelines_own_page(
    bucket: Bucket, customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    uri = bucket.put("data/page/customers.csv", customers)
    before = RunRequest(
        dataset_uri=str(customers), s3_endpoint=bucket.endpoint, output_uri=f"s3://{bucket.name}/runs/page/champion"
    ).model_copy(update={"algorithm": "histGradientBoosting", "hyperparameters": '{"max_iter": 2}'})
    digest = run_locally(before).sha256_of("model/model.joblib")
    assert digest is not None

    run = run_pipeline(
        tmp_path,
        dataset_uri=uri,
        s3_endpoint=bucket.endpoint,
        output_uri=f"s3://{bucket.name}/runs/page/1",
        algorithm="logisticRegression",
        champion_uri=before.layout.model_uri,
        champion_sha256=digest,
        champion_version="1",
        champion_confidence="0.9",
    )

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    report = Report.model_validate_json(bucket.get("runs/page/1/report.json"))
    assert report.comparison is not None
    assert report.dataset is not None
    assert (report.comparison.champion_sha256, report.comparison.rows) == (digest, report.dataset.holdout_rows)
    loss = report.comparison.of("logLoss")
    assert loss is not None
    assert (loss.candidate, loss.confidence) == (report.metrics["logLoss"], 0.9)
    assert loss.lower > 0, "two trees are worse"
    (path,) = (tmp_path / "root").rglob("evaluate/executor_output.json")
    _check_page(json.loads(path.read_text())["artifacts"], report, report.comparison)


@pytest.mark.cluster
@pytest.mark.parametrize("place", ["churn/no/such/model", "no-such-bucket/model"])
def test_a_champion_that_is_gone_is_told_and_the_run_succeeds(
    place: str, bucket: Bucket, customers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)

    report = run_locally(
        RunRequest(
            dataset_uri=str(customers),
            s3_endpoint=bucket.endpoint,
            output_uri=str(tmp_path / "out"),
            algorithm="logisticRegression",
            champion_uri=f"s3://{place}",
            champion_sha256="a" * 64,
            champion_version="4",
        )
    )

    assert report.outcome is Outcome.SUCCEEDED
    assert report.comparison is not None
    assert report.comparison.unavailable == (
        f"the champion, version 4, is gone: there is no object at s3://{place}/model.joblib"
    )


def _check_page(artifacts: dict[str, Any], report: Report, comparison: Comparison) -> None:
    shown, compared, page = (
        artifacts[name]["artifacts"][0]["metadata"] for name in ("metrics", "comparison", "classification")
    )
    assert shown["rocAuc"] == report.metrics["rocAuc"]
    for result in comparison.results:
        bounds = (compared[f"{result.metric}{part}"] for part in ("Difference", "Lower", "Upper"))
        assert tuple(bounds) == (result.difference, result.lower, result.upper)
    assert report.roc is not None
    assert len(page["confidenceMetrics"]) == len(report.roc.x)
    assert report.confusion is not None
    assert page["confusionMatrix"]["rows"][1]["row"] == [
        report.confusion.false_negatives,
        report.confusion.true_positives,
    ]
