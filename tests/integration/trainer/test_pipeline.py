"""The compiled pipeline, run by kfp.local against a real S3."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from churn_report import DataContract, Outcome, Report
from churn_report.digest import dataset_digest
from churn_trainer import CODE_VERSION
from churn_trainer.synthetic import write_customers

from tests.integration.trainer.conftest import ACCESS_KEY, SECRET_KEY, Bucket

REPOSITORY = Path(__file__).parents[3]
PACKAGE = REPOSITORY / "operator/churn_operator/pipelines/churn-training.yaml"
_LIMIT_SECONDS = 180


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

    started = time.monotonic()
    run = run_pipeline(
        tmp_path,
        dataset_uri=uri,
        dataset_digest=digest,
        s3_endpoint=bucket.endpoint,
        output_uri=f"s3://{bucket.name}/{output}",
        key="abc",
    )
    seconds = time.monotonic() - started

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert seconds < 60, f"the pipeline took {seconds:.0f} s"
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
