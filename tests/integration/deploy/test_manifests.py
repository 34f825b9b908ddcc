"""The rendered manifests against a real API server: strict validation, Pod Security, settings."""

from __future__ import annotations

import copy
import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.errors import DevclusterError
from churn_operator.settings import Settings

from .conftest import NAMESPACE, REPOSITORY, Object, Render, administrator

_DRY_RUN = ("--dry-run=server", "--validate=strict", "--filename=-")


def find(manifests: list[Object], kind: str, name: str) -> Object:
    """The one object of this kind whose name begins so."""
    [found] = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"].startswith(name)]
    return copy.deepcopy(found)


def dry_run(cluster: ControlPlane, manifest: Object, verb: str = "apply") -> str:
    how = ("apply", "--server-side", "--force-conflicts") if verb == "apply" else (verb,)
    return administrator(cluster)(*how, *_DRY_RUN, stdin=json.dumps(manifest))


def pod_of(manifests: list[Object]) -> Object:
    """The Deployment's pod, as its controller would create it."""
    template = find(manifests, "Deployment", "churn-operator")["spec"]["template"]
    metadata = {**template["metadata"], "name": "operator", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def test_the_api_server_takes_every_object_as_it_is_written(installed: ControlPlane, manifests: list[Object]) -> None:
    kinds = {each["kind"] for each in manifests}
    assert {"CustomResourceDefinition", "ClusterServingRuntime", "Deployment", "ValidatingAdmissionPolicy"} <= kinds
    for manifest in manifests:
        answer = dry_run(installed, manifest)
        assert answer.endswith("serverside-applied (server dry run)\n")


def test_a_misspelt_field_is_refused(installed: ControlPlane, manifests: list[Object]) -> None:
    deployment = find(manifests, "Deployment", "churn-operator")
    deployment["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(DevclusterError, match="livenessprobe"):
        dry_run(installed, deployment)


def test_the_pod_is_admitted_to_a_restricted_namespace(installed: ControlPlane, manifests: list[Object]) -> None:
    assert "pod/operator created (server dry run)" in dry_run(installed, pod_of(manifests), "create")


def test_a_pod_that_may_be_root_is_not(installed: ControlPlane, manifests: list[Object]) -> None:
    pod = pod_of(manifests)
    pod["spec"]["securityContext"]["runAsNonRoot"] = False
    with pytest.raises(DevclusterError, match="violates PodSecurity"):
        dry_run(installed, pod, "create")


def test_nothing_but_tmp_is_written(manifests: list[Object]) -> None:
    spec = pod_of(manifests)["spec"]
    [container] = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    assert {"name": "HOME", "value": "/tmp"} in container["env"]


def test_every_setting_is_one_that_the_operator_reads(manifests: list[Object]) -> None:
    known = {f"CHURN_{setting.name.upper()}": setting.default for setting in fields(Settings)}
    written = find(manifests, "ConfigMap", "churn-operator-settings")["data"]
    assert written
    assert written.keys() <= known.keys()
    Settings.from_environment(written)


def test_probes_and_metrics_are_where_the_operator_serves_them(manifests: list[Object]) -> None:
    [container] = pod_of(manifests)["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"metrics": Settings().metrics_port, "health": Settings().health_port}
    probes = {kind: container[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {kind: (probe["path"], probe["port"]) for kind, probe in probes.items()} == {
        "startupProbe": ("/healthz", "health"),
        "livenessProbe": ("/healthz", "health"),
        "readinessProbe": ("/readyz", "health"),
    }
    assert find(manifests, "Service", "churn-operator-metrics")["spec"]["ports"][0]["targetPort"] == "metrics"


def test_images_are_of_this_version(manifests: list[Object]) -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    images = [
        pod_of(manifests)["spec"]["containers"][0]["image"],
        find(manifests, "ConfigMap", "churn-operator-settings")["data"]["CHURN_TRAINER_IMAGE"],
        find(manifests, "ClusterServingRuntime", Settings().runtime)["spec"]["containers"][0]["image"],
    ]
    assert [image.rsplit(":", 1)[1] for image in images] == [version] * 3


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """An overlay outside of the repository, as a user would have it."""

    def relative(folder: str) -> str:
        return str(Path(*[".."] * len(tmp_path.parts[1:])) / (REPOSITORY / "deploy" / folder).relative_to("/"))

    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [relative("operator")],
        "components": [relative("components/pipelines-token")],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return tmp_path


def test_the_token_component_mounts_what_its_setting_names(
    installed: ControlPlane, render: Render, overlay: Path
) -> None:
    rendered = render(overlay)
    settings = find(rendered, "ConfigMap", "churn-operator-settings")["data"]
    pod = pod_of(rendered)
    volumes: dict[str, Any] = {each["name"]: each for each in pod["spec"]["volumes"]}
    [token] = volumes["pipelines-token"]["projected"]["sources"]
    mounts = {each["name"]: each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]}
    path = f"{mounts['pipelines-token']}/{token['serviceAccountToken']['path']}"
    assert path == Settings.from_environment(settings).pipelines_token_path
    assert settings["CHURN_PIPELINES_NAMESPACE"] == "kubeflow"
    assert "created (server dry run)" in dry_run(installed, pod, "create")
