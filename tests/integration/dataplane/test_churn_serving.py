"""The real model server below the data plane: loaded, split, and refused when its digest is wrong."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane

from tests.unit.serving.telco import CUSTOMER, linear_pipeline, save_artifact

from .conftest import SECONDS, Model, condition, is_up_to_date, traffic


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("artifact")
    save_artifact(folder, linear_pipeline())
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.fixture(scope="module")
def runtime(control_plane: ControlPlane, data_plane: object) -> str:
    """A ClusterServingRuntime without a command: churn_serving is what its image would start."""
    api = kubernetes.client.CustomObjectsApi(control_plane.client())
    api.create_cluster_custom_object(
        "serving.kserve.io",
        "v1alpha1",
        "clusterservingruntimes",
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "ClusterServingRuntime",
            "metadata": {"name": "churn"},
            "spec": {
                "supportedModelFormats": [{"name": "churn", "autoSelect": True}],
                "containers": [{"name": "kserve-container", "image": "churn-serving"}],
            },
        },
    )
    return "churn"


def predictor(model: Model, artifact: dict[str, bytes], version: str, sha256: str | None = None) -> dict[str, Any]:
    digest = sha256 or hashlib.sha256(artifact["model.joblib"]).hexdigest()
    return {
        "serviceAccountName": "models",
        "model": {
            "modelFormat": {"name": "churn"},
            "storageUri": model.upload_files(f"version-{version}", artifact),
            "env": [
                {"name": "CHURN_MODEL_SHA256", "value": digest},
                {"name": "CHURN_MODEL_VERSION", "value": version},
            ],
        },
    }


def test_versions_answer_by_weight_and_a_wrong_digest_never_does(
    model: Model, artifact: dict[str, bytes], runtime: str
) -> None:
    model.apply_predictor(predictor(model, artifact, "1"))
    url = model.until(is_up_to_date)["url"]
    model.apply_predictor({**predictor(model, artifact, "2"), "canaryTrafficPercent": 30})
    model.until(lambda status: traffic(status) == {"1": 70, "2": 30})
    versions: Counter[str] = Counter()
    with httpx.Client(timeout=SECONDS) as client:
        for _ in range(600):
            response = client.post(f"{url}/v1/models/churn:predict", json={"instances": [CUSTOMER]})
            response.raise_for_status()
            assert response.headers["x-churn-model-version"] == response.json()["model_version"]
            versions[response.json()["model_version"]] += 1
    assert set(versions) == {"1", "2"}
    # Five standard deviations.
    assert abs(versions["2"] / 600 - 0.3) < 0.094

    wrong = predictor(model, artifact, "3", sha256="0" * 64)
    model.apply_predictor({**wrong, "canaryTrafficPercent": 30})
    status = model.until(lambda status: condition(status, "Ready")["status"] == "False")
    assert condition(status, "Ready")["reason"] == "RevisionFailed"
    assert "sha256" in status["modelStatus"]["lastFailureInfo"]["message"]
    response = httpx.post(f"{url}/v1/models/churn:predict", json={"instances": [CUSTOMER]}, timeout=SECONDS)
    assert response.status_code == 200
