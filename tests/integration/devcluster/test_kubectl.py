"""kubectl as the devcluster uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from churn_devcluster.binaries import Binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.errors import DevclusterError
from churn_devcluster.kubectl import Kubectl

pytestmark = pytest.mark.cluster


@pytest.fixture
def as_administrator(control_plane: ControlPlane, binaries: Binaries, tmp_path: Path) -> Kubectl:
    return Kubectl(binaries.kubectl, control_plane.kubeconfig, tmp_path / "home")


def _definition(plural: str) -> dict[str, object]:
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.test"},
        "spec": {
            "group": "example.test",
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": plural, "kind": plural.capitalize(), "listKind": f"{plural}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.mark.parametrize("count", [1, 12])
def test_fresh_definitions_are_established_when_it_returns(
    count: int, as_administrator: Kubectl, tmp_path: Path
) -> None:
    folder = tmp_path / "definitions"
    folder.mkdir()
    plurals = [f"colour{count}x{number}" for number in range(count)]
    for plural in plurals:
        (folder / f"{plural}.json").write_text(json.dumps(_definition(plural)))
    as_administrator.install_definitions(folder)
    for plural in plurals:
        established = '{.status.conditions[?(@.type=="Established")].status}'
        name = f"{plural}.example.test"
        assert as_administrator("get", "crd", name, f"--output=jsonpath={established}") == "True"


def test_objects_are_applied_again_without_a_conflict(as_administrator: Kubectl, namespace: str) -> None:
    for colour in ("blue", "green"):
        metadata = {"name": "paint", "namespace": namespace}
        map_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"colour": colour}}
        as_administrator.apply([map_])
    answer = as_administrator("get", "configmap", "paint", f"--namespace={namespace}", "--output=jsonpath={.data}")
    assert json.loads(answer) == {"colour": "green"}


def test_what_the_api_server_refuses_is_said_in_its_words(as_administrator: Kubectl, namespace: str) -> None:
    metadata = {"name": "No Name", "namespace": namespace}
    with pytest.raises(DevclusterError, match=r'ConfigMap "No Name" is invalid'):
        as_administrator.apply([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}])
