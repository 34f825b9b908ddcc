"""The files of deploy/argocd and deploy/flux, and kustomize over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.api.v1alpha1 import GROUP, KIND, VERSION
from churn_operator.core.verbs import Verb

pytestmark = pytest.mark.cluster

DEPLOY = Path(__file__).parents[3] / "deploy"
Kubectl = Callable[..., str]
EXISTING = {"accounts.alice": "login", "resource.customizations.health.example.com_Thing": "return {}"}


def config_map(namespace: str | None) -> dict[str, Any]:
    """An argocd-cm that has settings already."""
    metadata = {"name": "argocd-cm", **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": EXISTING}


@pytest.mark.parametrize("namespace", [None, "argocd"])
def test_the_component_adds_to_the_config_map_of_an_argo_cd(
    namespace: str | None, kubectl: Kubectl, tmp_path: Path
) -> None:
    component = tmp_path / "churn"
    component.mkdir()
    for name in ("kustomization.yaml", "argocd-cm.yaml"):
        (component / name).write_text((DEPLOY / "argocd" / name).read_text())
    (tmp_path / "argocd.yaml").write_text(yaml.safe_dump(config_map(namespace)))
    kustomization = {"resources": ["argocd.yaml"], "components": ["churn"], "namespace": "argocd"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    _assert_added(yaml.safe_load(kubectl("kustomize", str(tmp_path)))["data"])


def test_without_kustomize_server_side_apply_adds_to_it(kubectl: Kubectl, namespace: str) -> None:
    kubectl("apply", "--server-side", "--filename=-", namespace=namespace, stdin=yaml.safe_dump(config_map(namespace)))
    file = DEPLOY / "argocd/argocd-cm.yaml"
    kubectl("apply", "--server-side", "--field-manager=churn-operator", f"--filename={file}", namespace=namespace)
    live = kubectl("get", "configmap", "argocd-cm", "--output=yaml", namespace=namespace)
    _assert_added(yaml.safe_load(live)["data"])


def _assert_added(data: dict[str, str]) -> None:
    assert EXISTING.items() <= data.items()
    added = yaml.safe_load((DEPLOY / "argocd/argocd-cm.yaml").read_text())["data"]
    assert data == {**EXISTING, **added}


def test_the_application_applies_server_side_and_ignores_nothing() -> None:
    application = yaml.safe_load((DEPLOY / "argocd/example/application.yaml").read_text())
    spec = application["spec"]
    assert "ServerSideApply=true" in spec["syncPolicy"]["syncOptions"]
    assert "ignoreDifferences" not in spec
    project = yaml.safe_load((DEPLOY / "argocd/example/appproject.yaml").read_text())
    assert spec["project"] == project["metadata"]["name"]
    assert spec["source"]["repoURL"] in project["spec"]["sourceRepos"]
    assert spec["destination"] in project["spec"]["destinations"]
    assert {"group": GROUP, "kind": KIND} in project["spec"]["namespaceResourceWhitelist"]


def test_the_roles_of_the_project_speak_of_actions_that_exist() -> None:
    project = yaml.safe_load((DEPLOY / "argocd/example/appproject.yaml").read_text())
    known = {*(verb.value for verb in Verb), "rollback", "unpin", "*"}
    for role in project["spec"]["roles"]:
        for policy in role["policies"]:
            _, subject, resource, verb, subject_of, effect = policy.split(", ")
            assert (subject, resource) == (f"proj:churn-models:{role['name']}", "applications")
            assert (subject_of, effect) == ("churn-models/*", "allow")
            if verb.startswith("action/"):
                assert verb.removeprefix(f"action/{GROUP}/{KIND}/") in known


def test_flux_waits_for_churn_models() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "flux/churn-models.yaml").read_text()))
    kustomization = next(each for each in documents if each["kind"] == "Kustomization")
    assert [f"{check['apiVersion']} {check['kind']}" for check in kustomization["spec"]["healthChecks"]] == [
        f"{GROUP}/{VERSION} {KIND}"
    ]
