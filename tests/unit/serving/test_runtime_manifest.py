"""The ClusterServingRuntime starts the server that is in this repository."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_serving.settings import read_settings

MANIFEST = Path(__file__).parents[3] / "deploy" / "serving" / "clusterservingruntime.yaml"


@pytest.fixture
def spec() -> Any:
    return yaml.safe_load(MANIFEST.read_text())["spec"]


@pytest.fixture
def container(spec: Any) -> Any:
    [container] = spec["containers"]
    return container


def test_the_server_understands_the_arguments(container: Any) -> None:
    arguments = [argument.replace("{{.Name}}", "customer-churn") for argument in container["args"]]
    settings = read_settings(arguments, {"CHURN_MODEL_SHA256": "a" * 64, "CHURN_MODEL_VERSION": "3"})
    assert settings.model_name == "customer-churn"
    assert settings.model_dir == Path("/mnt/models")
    assert settings.http_port == container["ports"][0]["containerPort"]
    assert settings.host == "0.0.0.0"


def test_the_image_is_of_this_version(container: Any) -> None:
    assert container["image"].rpartition(":")[2] == version("churn-operator")


def test_the_pod_meets_the_restricted_security_standard(container: Any) -> None:
    security = container["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}


def test_only_the_format_of_its_own_is_selected_automatically(spec: Any) -> None:
    formats = {entry["name"]: entry["autoSelect"] for entry in spec["supportedModelFormats"]}
    assert formats == {"sklearn": False, "churn": True}
    assert spec["protocolVersions"] == ["v1", "v2"]


def test_prometheus_is_told_the_servers_port(spec: Any, container: Any) -> None:
    port = str(container["ports"][0]["containerPort"])
    assert spec["annotations"]["prometheus.io/scrape"] == "true"
    assert spec["annotations"]["prometheus.io/port"] == port
    assert spec["annotations"]["prometheus.kserve.io/port"] == port
