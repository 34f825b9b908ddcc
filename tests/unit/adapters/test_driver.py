"""Which traffic driver is taken, from what the cluster says."""

import json
from typing import Any

import pytest
from churn_operator.adapters.kserve.driver import canary_list_in, default_mode_in, detect_driver
from churn_operator.settings import Settings

pytestmark = pytest.mark.unit

_NAME = "inferenceservices.serving.kserve.io"
_ROUTES = {"/apis/gateway.networking.k8s.io/v1": {"resources": [{"name": "gateways"}, {"name": "httproutes"}]}}
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_KNATIVE = {"/apis/serving.knative.dev/v1": {"resources": [{"name": "services"}]}}


class Cluster:
    """Answers `get` from a table."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self._objects = objects

    async def get(self, path: str, **query: str) -> Any:
        assert query == ({"fieldSelector": f"metadata.name={_NAME}"} if path == _DEFINITIONS else {})
        return self._objects.get(path)


def _definition(spec: tuple[str, ...], status: tuple[str, ...], version: str = "v1beta1") -> dict[str, Any]:
    parts = {"spec": spec, "status": status}
    properties = {part: {"properties": {name: {} for name in names}} for part, names in parts.items()}
    return {"spec": {"versions": [{"name": version, "schema": {"openAPIV3Schema": {"properties": properties}}}]}}


_CANARY = {_DEFINITIONS: {"items": [_definition(("predictor", "canary"), ("canaryStatuses",))]}}


def _config(mode: str, namespace: str = "kserve") -> dict[str, Any]:
    path = f"/api/v1/namespaces/{namespace}/configmaps/inferenceservice-config"
    return {path: {"data": {"deploy": json.dumps({"defaultDeploymentMode": mode})}}}


@pytest.mark.parametrize(
    ("objects", "driver"),
    [
        ({}, "knative"),
        (_KNATIVE, "knative"),
        (_ROUTES, "gateway"),
        (_KNATIVE | _ROUTES, "knative"),
        (_config("Knative") | _ROUTES, "knative"),
        (_config("Serverless") | _ROUTES, "knative"),
        (_config("Standard") | _ROUTES | _KNATIVE, "gateway"),
        (_config("RawDeployment") | _ROUTES, "gateway"),
        (_config("Standard", "kubeflow") | _ROUTES, "gateway"),
        (_config("Standard"), "knative"),
        (_config("ModelMesh") | _ROUTES, "gateway"),
        (_CANARY, "canary"),
        (_config("Standard") | _CANARY, "canary"),
        (_config("Knative") | _CANARY, "knative"),
        (_CANARY | _ROUTES, "gateway"),
        (_CANARY | _KNATIVE, "knative"),
    ],
)
async def test_the_driver_is_what_the_cluster_can_take(objects: dict[str, Any], driver: str) -> None:
    assert await detect_driver(Settings(), Cluster(objects)) == driver  # type: ignore[arg-type]


async def test_a_setting_goes_before_everything() -> None:
    settings = Settings(traffic_driver="gateway")
    assert await detect_driver(settings, Cluster(_config("Knative"))) == "gateway"  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [None, {}, {"deploy": "not json"}, {"deploy": "[]"}, {"deploy": "{}"}])
def test_a_config_map_that_says_nothing_is_no_mode(data: Any) -> None:
    assert default_mode_in({"data": data}) is None


@pytest.mark.parametrize(
    ("definition", "found"),
    [
        (_definition(("predictor", "canary"), ("canaryStatuses",)), True),
        (_definition(("predictor", "canary"), ()), False),
        (_definition(("predictor",), ("canaryStatuses",)), False),
        (_definition(("canary",), ("canaryStatuses",), "v1alpha1"), False),
        ({"spec": {"versions": [{"name": "v1beta1"}]}}, False),
        ({"spec": {}}, False),
    ],
)
def test_a_kserve_has_canaries_of_its_own_with_both_fields_only(definition: dict[str, Any], found: bool) -> None:
    assert canary_list_in(definition) is found
