"""Which traffic driver a cluster can take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.settings import Settings

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_INFERENCE_SERVICES = "inferenceservices.serving.kserve.io"
_CONFIG = "inferenceservice-config"
_NAMESPACES = ("kserve", "kubeflow", "opendatahub")
_KNATIVE_MODES = ("Knative", "Serverless")
_STANDARD_MODES = ("Standard", "RawDeployment")


async def detect_driver(settings: Settings, api: KubernetesApi) -> str:
    """The setting, else `knative`, `gateway` or `canary` by KServe's default deployment mode and what is installed.

    Standard mode needs HTTPRoutes to split traffic; where only one of Knative and HTTPRoutes is served,
    that one decides. `canary` is the last choice, for a cluster with neither: KServe 0.20 has the field and routes
    nothing by it, which the definition does not tell. Raises an AdapterError where the API server cannot be asked.
    """
    if settings.traffic_driver != "auto":
        return settings.traffic_driver
    mode = await _default_mode(api)
    if mode in _KNATIVE_MODES:
        return "knative"
    routes = await _serves(api, "gateway.networking.k8s.io/v1", "httproutes")
    if mode in _STANDARD_MODES and routes:
        return "gateway"
    services = await _serves(api, "serving.knative.dev/v1", "services")
    if services or routes:
        return "knative" if services else "gateway"
    return "canary" if mode not in _KNATIVE_MODES and await has_canary_list(api) else "knative"


async def has_canary_list(api: KubernetesApi) -> bool:
    """Whether the installed InferenceService has spec.canary, and status.canaryStatuses to follow it by."""
    # A list of one: the operator may list definitions, for kopf does.
    listed = await api.get(_DEFINITIONS, fieldSelector=f"metadata.name={_INFERENCE_SERVICES}")
    return any(canary_list_in(definition) for definition in (listed or {}).get("items") or ())


def canary_list_in(definition: Mapping[str, Any]) -> bool:
    """Whether a definition of InferenceServices has both fields in v1beta1."""
    for version in definition["spec"].get("versions") or ():
        if version.get("name") == "v1beta1":
            schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
            return "canary" in _fields(schema, "spec") and "canaryStatuses" in _fields(schema, "status")
    return False


def _fields(schema: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = ((schema.get("properties") or {}).get(part) or {}).get("properties") or {}
    return fields


async def _default_mode(api: KubernetesApi) -> str | None:
    for namespace in _NAMESPACES:
        found = await api.get(f"/api/v1/namespaces/{namespace}/configmaps/{_CONFIG}")
        if found is not None:
            return default_mode_in(found)
    return None


def default_mode_in(config_map: Mapping[str, Any]) -> str | None:
    """`defaultDeploymentMode` of KServe's ConfigMap; None where it says nothing that can be read."""
    try:
        deploy = json.loads((config_map.get("data") or {}).get("deploy", "{}"))
    except ValueError:
        return None
    mode = deploy.get("defaultDeploymentMode") if isinstance(deploy, Mapping) else None
    return str(mode) if mode else None


async def _serves(api: KubernetesApi, group_version: str, plural: str) -> bool:
    found = await api.get(f"/apis/{group_version}")
    return any(resource.get("name") == plural for resource in (found or {}).get("resources") or ())
