"""The chart as Helm installs it on a real API server, for two namespaces: upgrade, the operator under its roles, and
what is left after it was uninstalled."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import kubernetes
import pytest
import yaml
from churn_devcluster.binaries import Binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.kubectl import Kubectl
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
from churn_devcluster.waiting import wait_until
from churn_operator.adapters.cluster import FINALIZER
from kubernetes.client import ApiException

from .conftest import ACCOUNT, CHART, NAMESPACE, REPOSITORY, USER, Object, administrator, create_model, install_platform
from .operators import WITHIN_REQUESTS, Operator, Platform, Use, requests_of
from .test_permissions import request

pytestmark = pytest.mark.cluster

_VALUES: Object = {"watchNamespaces": ["team-a", "team-b"], "settings": {"trafficDriver": "gateway"}}
_DEFINITION = "churnmodels.churnops.dev"
_LATER = "rollbackTo"
"""A field of spec that the older chart's definition does not have."""

Helm = Callable[..., str]


@pytest.fixture(scope="module")
def cluster(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with the namespaces of the teams and of others."""
    with ControlPlane(tmp_path_factory.mktemp("cluster"), binaries, audit=True) as running:
        install_platform(running)
        for name in ("team-a", "team-b", "elsewhere", "kserve"):
            running.create_namespace(name)
        yield running


@pytest.fixture(scope="module")
def run_helm(helm: Path, cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """`run_helm("upgrade", …, values={…})` as the administrator, in the operator's namespace."""
    home = tmp_path_factory.mktemp("helm-home")

    def run(*arguments: str | Path, values: Object | None = None) -> str:
        scope = [f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}"]
        more = [] if values is None else ["--values=-"]
        done = subprocess.run(
            [helm, *arguments, *scope, *more],
            input=yaml.safe_dump(values or {}),
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def older_chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as an earlier version may have been: its definition lacks a field."""
    folder = tmp_path_factory.mktemp("older") / "churn-operator"
    shutil.copytree(CHART, folder)
    file = folder / "files" / f"{_DEFINITION}.yaml"
    definition = yaml.safe_load(file.read_text())
    spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"][_LATER]
    spec["x-kubernetes-validations"] = [
        rule for rule in spec.get("x-kubernetes-validations", []) if _LATER not in rule["rule"]
    ]
    file.write_text(yaml.safe_dump(definition, sort_keys=False))
    return folder


@pytest.fixture(scope="module")
def released(cluster: ControlPlane, run_helm: Helm, older_chart: Path) -> ControlPlane:
    """The API server after an older release was installed and upgraded to this one."""
    kubectl = administrator(cluster)
    run_helm("install", ACCOUNT, older_chart, "--create-namespace", values=_VALUES)
    assert _LATER not in fields_of_spec(kubectl)
    run_helm("upgrade", ACCOUNT, CHART, values=_VALUES)
    may = ("auth", "can-i", "patch", "churnmodels", f"--as={USER}", "--namespace=team-a")
    wait_until(lambda: _LATER in fields_of_spec(kubectl), "the upgraded definition", seconds=120)
    wait_until(lambda: "yes" in kubectl(*may), "the operator's role", seconds=120)
    return cluster


def fields_of_spec(kubectl: Kubectl) -> set[str]:
    """The fields of spec.properties, by the definition that the API server has."""
    definition = yaml.safe_load(kubectl("get", "crd", _DEFINITION, "-o", "yaml"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return set(schema["properties"]["spec"]["properties"])


@pytest.fixture(scope="module")
def operator(
    released: ControlPlane, object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """The operator under the token of the release's ServiceAccount, with the release's settings."""
    folder = tmp_path_factory.mktemp("operator")
    with released.client() as client:
        core = kubernetes.client.CoreV1Api(client)
        settings = core.read_namespaced_config_map(f"{ACCOUNT}-settings", NAMESPACE).data
    kubeconfig = released.service_account_kubeconfig(NAMESPACE, ACCOUNT, folder / "kubeconfig")
    with PipelinesEndpoint(tmp_path_factory.mktemp("pipelines"), released.kubeconfig) as pipelines:
        platform = Platform(object_store.settings, pipelines.url)
        with Operator(kubeconfig, folder, platform, dict(settings)) as running:
            yield running


@pytest.fixture(scope="module")
def dataset(released: ControlPlane, object_store: ObjectStore) -> Object:
    """spec.dataset of data that a Secret beside the ChurnModel opens."""
    bucket = "test-release"
    object_store.create_buckets([bucket])
    object_store.settings.client().put_object(bucket, "telco.csv", io.BytesIO(b"any"), 3)
    with released.client() as client:
        for namespace in ("team-a", "team-b", "elsewhere"):
            secret = {"metadata": {"name": "credentials"}, "stringData": object_store.settings.environment}
            kubernetes.client.CoreV1Api(client).create_namespaced_secret(namespace, secret)
    return {"uri": f"s3://{bucket}/telco.csv", "secretRef": {"name": "credentials"}}


def status_of(cluster: ControlPlane, namespace: str, name: str) -> Object:
    with cluster.client() as client:
        found: Object = kubernetes.client.CustomObjectsApi(client).get_namespaced_custom_object(
            "churnops.dev", "v1alpha1", namespace, "churnmodels", name
        )
    status: Object = found.get("status", {})
    return status


def test_it_works_in_its_namespaces_and_nowhere_else(
    released: ControlPlane, operator: Operator, dataset: Object
) -> None:
    for namespace in ("elsewhere", "team-a", "team-b"):
        create_model(released, namespace, "churn", **dataset)
    for namespace in ("team-a", "team-b"):
        wait_until(
            lambda namespace=namespace: bool(status_of(released, namespace, "churn").get("training", {}).get("runId")),
            f"a run for {namespace}",
            240,
            operator.process,
        )
    # What the definition has as default is there; nobody wrote anything.
    assert not status_of(released, "elsewhere", "churn").get("conditions")
    requests = list(requests_of(released, USER))
    assert [each.uri for each in requests if each.code == 403] == []
    assert {each.namespace for each in requests if each.resource} <= {"team-a", "team-b", NAMESPACE, ""}
    used = {each.use for each in requests if each.resource}
    assert used <= granted(released) | WITHIN_REQUESTS


def granted(cluster: ControlPlane) -> set[Use]:
    """What the Roles of the release allow, which are the only ones that the account has."""
    with cluster.client() as client:
        rbac = kubernetes.client.RbacAuthorizationV1Api(client)
        bound = [
            binding
            for binding in rbac.list_cluster_role_binding().items
            if any(subject.name == ACCOUNT for subject in binding.subjects or ())
        ]
        assert bound == []
        roles = [
            role
            for namespace in ("team-a", "team-b", "kserve", NAMESPACE)
            for role in rbac.list_namespaced_role(namespace).items
        ]
    return {
        (verb, group, resource)
        for role in roles
        for rule in role.rules
        for group in rule.api_groups
        for resource in rule.resources
        for verb in rule.verbs
    }


_FORBIDDEN = [
    ("GET", "/apis/churnops.dev/v1alpha1/churnmodels"),
    ("GET", "/apis/churnops.dev/v1alpha1/namespaces/elsewhere/churnmodels"),
    ("GET", "/apis/serving.kserve.io/v1beta1/namespaces/elsewhere/inferenceservices"),
    ("GET", "/api/v1/namespaces/elsewhere/secrets/credentials"),
    ("GET", "/api/v1/namespaces/team-a/secrets"),
    ("DELETE", "/api/v1/namespaces/team-a/secrets/credentials"),
    ("GET", "/api/v1/namespaces/kserve/configmaps/inferenceservice-config"),
    ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
    ("DELETE", "/apis/churnops.dev/v1alpha1/namespaces/team-a/churnmodels/churn"),
    ("GET", "/apis/coordination.k8s.io/v1/namespaces/churn-system/leases/churn-operator"),
    ("GET", "/apis/gateway.networking.k8s.io/v1/namespaces/kserve/gateways/another"),
]


@pytest.mark.parametrize(("method", "path"), _FORBIDDEN, ids=[" ".join(each) for each in _FORBIDDEN])
def test_what_it_may_not_do_is_refused(released: ControlPlane, tmp_path: Path, method: str, path: str) -> None:
    kubeconfig = released.service_account_kubeconfig(NAMESPACE, ACCOUNT, tmp_path / "kubeconfig")
    with kubernetes.config.new_client_from_config(str(kubeconfig)) as client:
        with pytest.raises(ApiException) as refusal:
            request(client, method, path)
        client.rest_client.pool_manager.clear()
    assert refusal.value.status == 403


def test_a_release_that_is_uninstalled_leaves_every_churnmodel(binaries: Binaries, helm: Path, tmp_path: Path) -> None:
    with ControlPlane(tmp_path / "cluster", binaries) as cluster:
        install_platform(cluster)
        cluster.create_namespace("team-a")
        scope = [f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}"]
        environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        install = [helm, "install", ACCOUNT, CHART, "--create-namespace", *scope]
        subprocess.run(install, check=True, capture_output=True, timeout=300, env=environment)
        kubectl = administrator(cluster)
        wait_until(lambda: "churnmodels" in kubectl("api-resources", "--api-group=churnops.dev"), "ChurnModel", 120)
        create_model(cluster, "team-a", "churn")
        uninstall = [helm, "uninstall", ACCOUNT, *scope]
        subprocess.run(uninstall, check=True, capture_output=True, timeout=300, env=environment)
        assert "churn" in kubectl("get", "churnmodels", "--namespace=team-a", "-o", "name")
        assert ACCOUNT not in kubectl(
            "get", "deployments,services,configmaps", f"--namespace={NAMESPACE}", "-o", "name"
        )
        let_go_by_the_guide(kubectl)
        # And the definition is taken up again by the next release.
        subprocess.run(install, check=True, capture_output=True, timeout=300, env=environment)


def let_go_by_the_guide(kubectl: Kubectl) -> None:
    """A ChurnModel that waits for an operator which is gone, and the guide's way out."""
    guide = (REPOSITORY / "docs" / "how-to" / "operate.md").read_text()
    shown = re.search(r"^kubectl (patch churnmodel) <name> (.*)$", guide, re.MULTILINE)
    assert shown is not None
    model = ("churnmodel/churn", "--namespace=team-a")
    finalizer = json.dumps({"metadata": {"finalizers": [FINALIZER]}})
    kubectl("patch", *model, "--type=merge", f"--patch={finalizer}")
    kubectl("delete", *model, "--wait=false")
    assert "churn" in kubectl("get", "churnmodels", "--namespace=team-a", "-o", "name")
    kubectl(*shown[1].split(), "churn", *shlex.split(shown[2]), "--namespace=team-a")
    wait_until(lambda: not kubectl("get", "churnmodels", "--namespace=team-a", "-o", "name"), "its end", seconds=120)
