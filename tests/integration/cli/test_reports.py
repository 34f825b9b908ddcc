"""`kubectl churn diff` reads report.json from a real S3 store, with the Secret of KServe or with one's own keys."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from churn_devcluster.access import s3_access
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.ports import LOOPBACK, free_port
from churn_operator.api.reading import write_status
from churn_operator.api.v1alpha1.status import VersionState
from churn_report import Artifact, DatasetSummary, Outcome, Report
from churnctl.errors import ExitCode

from tests.integration.api.conftest import ChurnModels
from tests.integration.api.specs import MINIMAL
from tests.integration.cli.conftest import Run
from tests.unit.api.statuses import FULL, version

pytestmark = pytest.mark.cluster


def report(strength: float, rows: int) -> Report:
    """Of a run with this hyperparameter on so many rows."""
    return Report(
        outcome=Outcome.SUCCEEDED,
        key="k" * 64,
        created=datetime(2026, 3, 1, tzinfo=UTC),
        code_version="1.0.0",
        algorithm="logisticRegression",
        hyperparameters={"C": strength, "max_iter": 2000},
        seed=42,
        libraries={"scikit-learn": "1.9.1"},
        dataset=DatasetSummary(
            uri="s3://b/c.csv", digest="d" * 64, rows=rows, train_rows=rows - 10, holdout_rows=10, positive_share=0.3,
            holdout_sha256="e" * 64,
        ),
        metrics={"rocAuc": 0.84},
        artifacts=(Artifact(path="model/model.joblib", sha256="a" * 64, size_bytes=1),),
    )  # fmt: skip


@pytest.fixture
def compared(
    churnmodels: ChurnModels, object_store: ObjectStore, bucket: str, control_plane: ControlPlane
) -> ChurnModels:
    """Versions 1 and 2, each with its report in a store that the ServiceAccount of serving opens."""
    client = object_store.settings.client()
    versions = []
    for number, made in ((1, report(1.0, 5000)), (2, report(0.3, 6000))):
        content = made.model_dump_json().encode()
        client.put_object(bucket, f"churn/{number}/report.json", io.BytesIO(content), len(content))
        found = version(number, VersionState.SUPERSEDED)
        versions.append(found.model_copy(update={"output_uri": f"s3://{bucket}/churn/{number}"}))
    churnmodels.apply({**MINIMAL, "serving": {"serviceAccountName": "sa-minio-kserve"}})
    churnmodels.apply_status(write_status(FULL.model_copy(update={"versions": tuple(versions)})))
    with control_plane.client() as api:
        for item in s3_access(object_store.settings, churnmodels.namespace, "sa-minio-kserve"):
            core = kubernetes.client.CoreV1Api(api)
            create = (
                core.create_namespaced_secret if item["kind"] == "Secret" else core.create_namespaced_service_account
            )
            create(churnmodels.namespace, item)
    return churnmodels


def hyperparameters(stdout: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(stdout)["parameters"]
    return found


def test_hyperparameters_and_rows_come_from_the_reports(churn: Run, compared: ChurnModels) -> None:
    done = churn("diff", "churn", "1", "2", "-n", compared.namespace, "-o", "json")
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    found = json.loads(done.stdout)
    assert found["parameters"]["hyperparameters.C"] == {"v1": 1.0, "v2": 0.3}
    assert "hyperparameters.max_iter" not in found["parameters"], "it is the same"
    assert found["dataset"]["rows"] == {"v1": 5000, "v2": 6000}
    everything = churn("diff", "churn", "1", "2", "--all", "-n", compared.namespace, "-o", "yaml")
    assert hyperparameters(everything.stdout)["hyperparameters.max_iter"] == {"v1": 2000, "v2": 2000}


def test_ones_own_credentials_come_first(churn: Run, compared: ChurnModels, object_store: ObjectStore) -> None:
    base = ["diff", "churn", "1", "2", "-n", compared.namespace, "-o", "yaml"]
    mine = {**object_store.settings.environment, "AWS_ENDPOINT_URL_S3": object_store.settings.endpoint}
    assert "hyperparameters.C" in hyperparameters(churn(*base, **mine).stdout)
    refused = churn(*base, **{**mine, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert refused.returncode == ExitCode.OK
    assert "hyperparameters.C" not in hyperparameters(refused.stdout)
    assert "Hyperparameters and libraries are not compared: " in refused.stderr


def test_what_cannot_be_read_is_said_and_the_rest_is_shown(
    churn: Run, compared: ChurnModels, control_plane: ControlPlane, kubectl: Any, tmp_path: Path
) -> None:
    base = ["diff", "churn", "1", "2", "-n", compared.namespace]
    gone = churn(*base, "--s3-endpoint", f"http://{LOOPBACK}:{free_port()}")
    assert gone.returncode == ExitCode.OK
    assert "does not answer" in gone.stderr
    assert "training key" in gone.stdout
    role = ["create", "role", "look", "--verb=get", "--resource=churnmodels.churnops.dev"]
    kubectl(*role, namespace=compared.namespace)
    kubectl("create", "rolebinding", "look", "--role=look", "--user=vera", namespace=compared.namespace)
    vera = str(control_plane.user_kubeconfig("vera", [], tmp_path / "vera.kubeconfig"))
    assert "set AWS_ACCESS_KEY_ID" in churn(*base, KUBECONFIG=vera).stderr
