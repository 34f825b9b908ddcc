"""The OLM bundle against what it is made of."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
BUNDLE = REPOSITORY / "deploy" / "olm" / "bundle"
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]


def manifest(name: str) -> Any:
    return yaml.safe_load((BUNDLE / "manifests" / name).read_text())


@pytest.fixture
def service_version() -> Any:
    """The ClusterServiceVersion."""
    return manifest("churn-operator.clusterserviceversion.yaml")


def test_it_is_of_this_version(service_version: Any) -> None:
    assert service_version["metadata"]["name"] == f"churn-operator.v{VERSION}"
    assert service_version["spec"]["version"] == VERSION
    images = [image["image"] for image in service_version["spec"]["relatedImages"]]
    assert service_version["metadata"]["annotations"]["containerImage"] in images
    assert all(image.endswith(f":{VERSION}") for image in images)


def test_its_rights_are_those_of_the_roles(service_version: Any) -> None:
    [permissions] = service_version["spec"]["install"]["spec"]["clusterPermissions"]
    roles = [
        each
        for file in ("role.yaml", "role_secrets.yaml")
        for each in yaml.safe_load_all((REPOSITORY / "deploy" / "operator" / file).read_text())
        if each["kind"] == "ClusterRole"
    ]
    assert permissions["rules"] == [rule for role in roles for rule in role["rules"]]
    [deployment] = service_version["spec"]["install"]["spec"]["deployments"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == permissions["serviceAccountName"]
    [container] = pod["containers"]
    settings = container["envFrom"][0]["configMapRef"]["name"]
    assert settings == manifest("churn-operator-settings.yaml")["metadata"]["name"]


def test_its_examples_are_churnmodels(service_version: Any) -> None:
    examples = json.loads(service_version["metadata"]["annotations"]["alm-examples"])
    definition = manifest("churnmodels.churnops.dev.yaml")
    [version] = definition["spec"]["versions"]
    [owned] = service_version["spec"]["customresourcedefinitions"]["owned"]
    assert (owned["name"], owned["version"]) == (definition["metadata"]["name"], version["name"])
    assert len(examples) >= 2
    for example in examples:
        assert example["apiVersion"] == f"{definition['spec']['group']}/{version['name']}"
        assert example["kind"] == owned["kind"]
        jsonschema.validate(example["spec"], version["schema"]["openAPIV3Schema"]["properties"]["spec"])


def test_its_descriptors_are_fields(service_version: Any) -> None:
    schema = manifest("churnmodels.churnops.dev.yaml")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    [owned] = service_version["spec"]["customresourcedefinitions"]["owned"]
    for part, descriptors in (("spec", owned["specDescriptors"]), ("status", owned["statusDescriptors"])):
        for descriptor in descriptors:
            place = schema["properties"][part]
            for name in descriptor["path"].split("."):
                place = place["properties"][name]


def test_a_catalog_finds_its_parts() -> None:
    annotations = yaml.safe_load((BUNDLE / "metadata" / "annotations.yaml").read_text())["annotations"]
    dockerfile = (BUNDLE.parent / "bundle.Dockerfile").read_text()
    for name, value in annotations.items():
        assert f"LABEL {name}={value}\n" in dockerfile
    for part in ("bundle.manifests", "bundle.metadata", "test.config"):
        folder = annotations[f"operators.operatorframework.io.{part}.v1"].rstrip("/")
        assert (BUNDLE / folder).is_dir()
        assert f"COPY bundle/{folder} /{folder}/" in dockerfile
