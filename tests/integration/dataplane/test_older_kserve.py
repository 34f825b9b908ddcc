"""--without-canary-list: what tells an operator that this KServe has no spec.canary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes
import pytest
from churn_devcluster.binaries import Binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.dataplane import DataPlane

from .conftest import until

_CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceservices.serving.kserve.io"
_SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/default/inferenceservices"


def _spec_fields(client: kubernetes.client.ApiClient) -> set[str]:
    found, _, _ = client.call_api(_CRD, "GET", response_type="object", auth_settings=["BearerToken"])
    schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return set(schema["properties"]["spec"]["properties"])


def _create(client: kubernetes.client.ApiClient, name: str) -> dict[str, Any]:
    predictor = {"model": {"modelFormat": {"name": "text"}, "storageUri": "s3://models/one"}}
    body = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "annotations": {"serving.kserve.io/deploymentMode": "Standard"}},
        "spec": {
            "predictor": predictor,
            "canary": [{"trafficPercent": 10, "predictor": {"name": "v2", **predictor}}],
        },
    }
    dry = [("dryRun", "All")]
    created, _, _ = client.call_api(
        _SERVICES, "POST", query_params=dry, body=body, response_type="object", auth_settings=["BearerToken"]
    )
    found: dict[str, Any] = created["spec"]
    return found


@pytest.mark.slow
def test_the_field_comes_and_goes_with_the_version_of_kserve(binaries: Binaries, tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "control-plane", binaries) as control_plane:
        client = control_plane.client()
        with DataPlane(control_plane.kubeconfig, tmp_path / "dataplane", options=["--without-canary-list"]):
            assert _spec_fields(client) == {"predictor"}
            assert "canary" not in _create(client, "older")
        with DataPlane(control_plane.kubeconfig, tmp_path / "dataplane"):
            assert _spec_fields(client) == {"predictor", "canary"}
            # The API server goes by a new schema a moment after it has stored it.
            until(lambda: "canary" in _create(client, "newer"), "the field is there")
