"""deploy/operator and the chart, rendered, and installed on an API server of their own, which logs every request."""

from __future__ import annotations

import functools
import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import churn_devcluster.dataplane
import kubernetes
import pytest
import yaml
from churn_devcluster.binaries import Binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.errors import DevclusterError
from churn_devcluster.helm_binary import find_helm
from churn_devcluster.kubectl import Kubectl
from churn_devcluster.waiting import wait_until

REPOSITORY = Path(__file__).parents[3]
CHART = REPOSITORY / "deploy" / "helm" / "churn-operator"
NAMESPACE, ACCOUNT = "churn-system", "churn-operator"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"

Object = dict[str, Any]
Render = Callable[[Path], list[Object]]
Template = Callable[..., list[Object]]


@pytest.fixture(scope="session")
def render(binaries: Binaries) -> Render:
    """`kubectl kustomize <folder>`, as a list of objects."""

    def rendered(folder: Path) -> list[Object]:
        done = subprocess.run(
            [binaries.kubectl, "kustomize", folder], check=False, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return objects(done.stdout)

    return rendered


@pytest.fixture(scope="session")
def helm() -> Path:
    """Helm; built first on a machine that has none."""
    return find_helm()


@pytest.fixture(scope="session")
def template(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """`template(values, release="churn-operator", namespace="churn-system")`: what `helm template` renders."""
    home = tmp_path_factory.mktemp("helm-home")

    @functools.cache
    def run(values: str, release: str, namespace: str) -> str:
        done = subprocess.run(
            [helm, "template", release, CHART, "--namespace", namespace, "--values", "-"],
            input=values,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )
        if done.returncode:
            raise DevclusterError(done.stderr)
        return done.stdout

    def rendered(values: Object | None = None, release: str = ACCOUNT, namespace: str = NAMESPACE) -> list[Object]:
        return objects(run(json.dumps(values or {}), release, namespace))

    return rendered


class OnceOnly(yaml.CSafeLoader):
    """Refuses a mapping that has a key twice: of two labels, it is chance which one an API server takes."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(set(keys)) == len(keys), f"a key stands twice: {keys}"
        return super().construct_mapping(node, deep)


def objects(text: str) -> list[Object]:
    """The documents of a text; by libyaml, since the definition alone is 80 kB."""
    return [each for each in yaml.load_all(text, OnceOnly) if each]


@pytest.fixture(scope="session")
def manifests(render: Render) -> list[Object]:
    """Every object of deploy/operator."""
    return render(REPOSITORY / "deploy" / "operator")


@pytest.fixture(scope="module")
def cluster(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that knows KServe's resources. The operator watches every namespace, so it must not
    share one with other tests."""
    with ControlPlane(tmp_path_factory.mktemp("cluster"), binaries, audit=True) as running:
        install_platform(running)
        yield running


def install_platform(cluster: ControlPlane) -> None:
    """The definitions that a cluster with KServe, the Gateway API and the Prometheus operator has."""
    definitions = Path(churn_devcluster.dataplane.__file__).parent / "crds"
    for name in ("inferenceservices", "clusterservingruntimes", "servingruntimes", "httproutes"):
        administrator(cluster).install_definitions(definitions / f"{name}.yaml")
    administrator(cluster).install_definitions(Path(__file__).parent / "monitoring.yaml")


@pytest.fixture(scope="module")
def installed(cluster: ControlPlane, manifests: list[Object]) -> ControlPlane:
    """The API server once deploy/operator is on it, and its policies are in force."""
    kubectl = administrator(cluster)
    kubectl.apply(manifests)
    wait_until(lambda: "churnmodels" in kubectl("api-resources", "--api-group=churnops.dev"), "ChurnModel", seconds=120)
    wait_until(lambda: _may(kubectl, "patch", "churnmodels"), "the operator's role", seconds=120)
    return cluster


def administrator(cluster: ControlPlane) -> Kubectl:
    """kubectl as the administrator."""
    return Kubectl(cluster.binaries.kubectl, cluster.kubeconfig, cluster.work_dir / "kubectl")


@pytest.fixture(scope="module")
def operator_kubeconfig(installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig with a token of the operator's ServiceAccount, as its pod would have one."""
    path = tmp_path_factory.mktemp("operator") / "kubeconfig"
    return installed.service_account_kubeconfig(NAMESPACE, ACCOUNT, path)


@pytest.fixture(scope="module")
def operator_client(operator_kubeconfig: Path) -> Iterator[kubernetes.client.ApiClient]:
    """The kubernetes client under that token."""
    with kubernetes.config.new_client_from_config(str(operator_kubeconfig)) as client:
        yield client
        client.rest_client.pool_manager.clear()


@pytest.fixture
def model(installed: ControlPlane) -> Object:
    """A ChurnModel in a namespace of its own."""
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    installed.create_namespace(namespace)
    return create_model(installed, namespace, "churn")


def create_model(cluster: ControlPlane, namespace: str, name: str, **dataset: Any) -> Object:
    """A ChurnModel as the API server stores it; `dataset` are more fields of spec.dataset."""
    spec = {"dataset": {"uri": "s3://nowhere/telco.csv", **dataset}}
    body = {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {"name": name, "labels": {"team": "retention"}},
        "spec": spec,
    }
    with cluster.client() as client:
        api = kubernetes.client.CustomObjectsApi(client)
        created: Object = api.create_namespaced_custom_object(
            "churnops.dev", "v1alpha1", namespace, "churnmodels", body
        )
    return created


def _may(kubectl: Kubectl, verb: str, resource: str) -> bool:
    return "yes" in kubectl("auth", "can-i", verb, resource, f"--as={USER}", "--all-namespaces", "--quiet=false")
