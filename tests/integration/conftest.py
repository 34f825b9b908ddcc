"""The embedded cluster, as fixtures that every integration test may use.

The servers start once a pytest session (once an xdist worker) and only when a test asks for them;
`namespace` is what keeps tests apart.
"""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from churn_devcluster.binaries import Binaries, find_binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.kubectl import Kubectl as Administrator
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """kube-apiserver, etcd and kubectl; built first on a machine that has none."""
    return find_binaries()


@pytest.fixture(scope="session")
def control_plane(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running API server with RBAC on; `.kubeconfig` is an administrator's."""
    with ControlPlane(tmp_path_factory.mktemp("control-plane"), binaries) as running:
        yield running


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """A running S3 store; `.settings` says how to reach it."""
    with ObjectStore(tmp_path_factory.mktemp("object-store")) as running:
        yield running


@pytest.fixture(scope="session")
def pipelines_endpoint(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PipelinesEndpoint]:
    """A running Kubeflow Pipelines endpoint; `.url` is what kfp.Client(host=…) is given.

    A test that stops or kills it makes one of its own."""
    with PipelinesEndpoint(tmp_path_factory.mktemp("pipelines"), control_plane.kubeconfig) as running:
        yield running


@pytest.fixture
def bucket(object_store: ObjectStore) -> str:
    """Name of a fresh, empty bucket."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    object_store.create_buckets([name])
    return name


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """Name of a fresh namespace. It is not deleted: without controllers it would stay Terminating."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    control_plane.create_namespace(name)
    return name


@pytest.fixture(scope="session")
def administrator(
    control_plane: ControlPlane, binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Administrator:
    """The devcluster's own kubectl, which installs definitions and waits until they are served."""
    return Administrator(binaries.kubectl, control_plane.kubeconfig, tmp_path_factory.mktemp("administrator"))


@pytest.fixture(scope="session")
def kubectl(control_plane: ControlPlane, binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """Runs kubectl as the administrator: `kubectl("get", "pods", namespace=…)` is its stdout.

    A failed command raises subprocess.CalledProcessError, whose stderr is the API server's sentence.
    `stdin=` is what `-f -` reads; `check=False` returns stderr too, after stdout.
    """
    home = tmp_path_factory.mktemp("kubectl-home")
    return _kubectl(binaries.kubectl, control_plane.kubeconfig, home)


Kubectl = Callable[..., str]


def _kubectl(program: Path, kubeconfig: Path, home: Path) -> Kubectl:
    def run(*arguments: str, namespace: str | None = None, stdin: str | None = None, check: bool = True) -> str:
        scope = [] if namespace is None else ["--namespace", namespace]
        done = subprocess.run(
            [program, "--kubeconfig", kubeconfig, *scope, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=check,
            timeout=120,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        )
        return done.stdout if check else done.stdout + done.stderr

    return run
