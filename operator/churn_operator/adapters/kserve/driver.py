"""Which traffic driver a cluster can take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.settings import Settings

_CONFIG = "inferenceservice-config"
_NAMESPACES = ("kserve", "kubeflow", "opendatahub")
_KNATIVE_MODES = ("Knative", "Serverless")
_STANDARD_MODES = ("Standard", "RawDeployment")


async def detect_driver(settings: Settings, api: KubernetesApi) -> str:
    """`knative` or `gateway`: the setting, else KServe's default deployment mode, else what is installed.

    Standard mode needs HTTPRoutes to split traffic; where only one of Knative and HTTPRoutes is served,
    that one decides. Raises an AdapterError where the API server cannot be asked.
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
    return "gateway" if routes and not services else "knative"


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
