"""The web app under its ServiceAccount's token, on the settings of its rendered Deployment: what it shows works, and
its role holds nothing that it does not do."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import kubernetes
import pytest
import yaml
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.ports import LOOPBACK, free_port
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until
from kubernetes.client import ApiException

from .conftest import NAMESPACE, Object, Template, administrator, create_model
from .operators import requests_of
from .test_manifests import find
from .test_permissions import request

pytestmark = pytest.mark.cluster

ACCOUNT = "churn-operator-webapp"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"


@pytest.fixture(scope="module")
def rendered(template: Template) -> list[Object]:
    values = {"webapp": {"enabled": True, "settings": {"secureCookies": False, "loginRequired": False}}}
    return template(values)


@pytest.fixture(scope="module")
def released(cluster: ControlPlane, rendered: list[Object]) -> ControlPlane:
    """The API server with the chart's objects on it, and a ChurnModel."""
    kubectl = administrator(cluster)
    cluster.create_namespace(NAMESPACE)
    cluster.create_namespace("team-a")
    kubectl.apply(rendered)
    wait_until(lambda: "churnmodels" in kubectl("api-resources", "--api-group=churnops.dev"), "ChurnModel", seconds=120)
    may = ("auth", "can-i", "list", "events", f"--as={USER}", "--all-namespaces")
    wait_until(lambda: "yes" in kubectl(*may), "the web app's role", seconds=120)
    create_model(cluster, "team-a", "churn")
    return cluster


@pytest.fixture(scope="module")
def site(
    released: ControlPlane, rendered: list[Object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of `python -m churn_webapp`, which is ready."""
    folder = tmp_path_factory.mktemp("webapp")
    (folder / "token").write_text(released.service_account_token(NAMESPACE, ACCOUNT))
    authority = yaml.safe_load(released.kubeconfig.read_text())["clusters"][0]["cluster"]["certificate-authority-data"]
    (folder / "ca.crt").write_bytes(base64.b64decode(authority))
    [container] = find(rendered, "Deployment", ACCOUNT)["spec"]["template"]["spec"]["containers"]
    port = free_port()
    environment = {
        **find(rendered, "ConfigMap", "churn-operator-settings")["data"],
        **{each["name"]: each["value"] for each in container["env"] if "value" in each},
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "CHURN_API_SERVER": released.server,
        "CHURN_API_CA_FILE": str(folder / "ca.crt"),
        "CHURN_API_TOKEN_FILE": str(folder / "token"),
        "CHURN_BIND_ADDRESS": LOOPBACK,
        "CHURN_PORT": str(port),
        "HOME": str(folder),
    }
    command = [sys.executable, "-m", "churn_webapp"]
    with (
        Process("the web app", command, folder / "webapp.log", environment) as process,
        httpx.Client(
            base_url=f"http://{LOOPBACK}:{port}", trust_env=False, timeout=30, follow_redirects=True
        ) as client,
    ):
        probe = container["readinessProbe"]["httpGet"]["path"]
        wait_until(lambda: _is_ready(client, probe), "the web app", 240, process)
        yield client


def _is_ready(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.HTTPError:
        return False


def test_its_role_is_what_it_uses(released: ControlPlane, site: httpx.Client, rendered: list[Object]) -> None:
    assert "churn" in site.get("/models").raise_for_status().text
    assert "team-a" in site.get("/models/team-a/churn").raise_for_status().text
    role = find(rendered, "ClusterRole", ACCOUNT)
    granted = {
        (verb, group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    def used() -> set[tuple[str, str, str]]:
        return {each.use for each in requests_of(released, USER)}

    wait_until(lambda: used() >= granted, "every granted verb to be used", 120)
    assert used() == granted
    assert [each.uri for each in requests_of(released, USER) if each.code == 403] == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/apis/churnops.dev/v1alpha1/namespaces/team-a/churnmodels/churn", {"spec": {"suspend": True}}),
        ("DELETE", "/apis/churnops.dev/v1alpha1/namespaces/team-a/churnmodels/churn", None),
        ("GET", "/api/v1/namespaces/team-a/secrets", None),
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/churn-artifacts", None),
        ("GET", "/api/v1/pods", None),
    ],
)
def test_what_it_may_not_do_by_itself_is_refused(
    released: ControlPlane, tmp_path: Path, method: str, path: str, body: Object | None
) -> None:
    kubeconfig = released.service_account_kubeconfig(NAMESPACE, ACCOUNT, tmp_path / "kubeconfig")
    with kubernetes.config.new_client_from_config(str(kubeconfig)) as client:
        with pytest.raises(ApiException) as refusal:
            request(client, method, path, body)
        client.rest_client.pool_manager.clear()
    assert refusal.value.status == 403
