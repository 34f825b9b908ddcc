"""The OLM bundle by the Operator Framework's own validators, as `operator-sdk bundle validate` goes by them, and by its
definition of a ClusterServiceVersion."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_devcluster.control_plane import ControlPlane

from tests.integration.go_sources import built

from .conftest import NAMESPACE, administrator
from .test_manifests import dry_run

pytestmark = pytest.mark.cluster

BUNDLE = Path(__file__).parents[3] / "deploy" / "olm" / "bundle"
SERVICE_VERSION = Path("manifests", "churn-operator.clusterserviceversion.yaml")


@pytest.fixture(scope="module")
def framework() -> Path:
    """The program that has the validators and the definition; built once a machine."""
    return built(Path(__file__).parent / "bundle_validation")


def answer(framework: Path, *arguments: Path) -> Any:
    done = subprocess.run([framework, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_validators_find_nothing(framework: Path) -> None:
    assert answer(framework, BUNDLE) == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("kind: ChurnModel\n", "kind: ChurnModels\n", "not defined in CSV"),
        ("minKubeVersion: 1.30.0", "minKubeVersion: the.newest.one", "MinKubeVersion has an invalid value"),
        ("capabilities: Deep Insights", "capabilities: All of them", "All of them"),
    ],
)
def test_they_find_what_is_wrong(framework: Path, tmp_path: Path, right: str, wrong: str, told: str) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(BUNDLE, copy)
    text = (copy / SERVICE_VERSION).read_text()
    assert right in text
    (copy / SERVICE_VERSION).write_text(text.replace(right, wrong))
    assert any(told in each["detail"] for each in answer(framework, copy))


def test_the_api_server_takes_the_service_version(framework: Path, installed: ControlPlane, tmp_path: Path) -> None:
    definition = tmp_path / "definition.json"
    definition.write_text(json.dumps(answer(framework)))
    administrator(installed).install_definitions(definition)
    manifest = yaml.safe_load((BUNDLE / SERVICE_VERSION).read_text())
    manifest["metadata"]["namespace"] = NAMESPACE
    assert "serverside-applied (server dry run)" in dry_run(installed, manifest)
