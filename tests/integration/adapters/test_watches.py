"""The operator as a process whose listing of ChurnModels expires between two pages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import kubernetes
import pytest
import yaml
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.ports import LOOPBACK, free_port
from churn_devcluster.waiting import wait_until
from churn_operator.adapters.api_session import tls_context

from tests.integration.adapters.api_server_proxy import ApiServerProxy, api_server_proxy

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("definitions")]

MORE_THAN_A_PAGE = 210
LEASE = "churn-operator"
SEEN = 'churn_operator_churnmodels{phase="Suspended"}'


def suspended(name: str) -> dict[str, object]:
    """A ChurnModel that costs a pass and a status write, and nothing of S3 or Kubeflow Pipelines."""
    return {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {"name": name},
        "spec": {"dataset": {"uri": "s3://data/customers.csv"}, "suspend": True},
    }


class Operator:
    """`python -m churn_operator` behind the proxy, holding a Lease."""

    def __init__(self, proxy: ApiServerProxy, namespace: str, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self._log = (folder / "operator.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "churn_operator"],
            stderr=self._log,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("CHURN_", "AWS_"))},
                "HOME": str(folder),
                "KUBECONFIG": str(proxy.write_kubeconfig(folder / "kubeconfig")),
                "CHURN_NAMESPACES": namespace,
                "CHURN_TRAFFIC_DRIVER": "knative",
                "CHURN_LEADER_ELECTION": "true",
                "CHURN_LEASE_NAMESPACE": namespace,
                "CHURN_LEASE_NAME": LEASE,
                "CHURN_BIND_ADDRESS": LOOPBACK,
                "CHURN_METRICS_PORT": str(self.port),
                "CHURN_HEALTH_PORT": str(self.port),
                **settings,
            },
        )

    def metric(self, name: str) -> float:
        """A metric of the operator; 0 until it answers."""
        try:
            text = httpx.get(f"http://{LOOPBACK}:{self.port}/metrics", trust_env=False, timeout=60).text
        except httpx.HTTPError:
            return 0.0
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def is_well(self) -> bool:
        """Whether both probes say so."""
        probes = [
            httpx.get(f"http://{LOOPBACK}:{self.port}/{probe}", trust_env=False, timeout=60)
            for probe in ("healthz", "readyz")
        ]
        return all(probe.status_code == httpx.codes.OK for probe in probes)

    def end(self) -> None:
        """Whatever it is at."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.fixture
def proxy(control_plane: ControlPlane, kubernetes_client: kubernetes.client.ApiClient) -> Iterator[ApiServerProxy]:
    with api_server_proxy(control_plane.server, tls_context(kubernetes_client.configuration)) as running:
        yield running


@pytest.fixture
def operator(proxy: ApiServerProxy, namespace: str, tmp_path: Path) -> Iterator[Callable[..., Operator]]:
    started: list[Operator] = []

    def start(**settings: str) -> Operator:
        started.append(Operator(proxy, namespace, tmp_path, **settings))
        return started[0]

    yield start
    for each in started:
        each.end()


def test_watching_is_begun_again_after_a_listing_expired_while_workers_and_lease_go_on(
    proxy: ApiServerProxy,
    operator: Callable[..., Operator],
    namespace: str,
    kubectl: Callable[..., str],
    kubernetes_client: kubernetes.client.ApiClient,
) -> None:
    models = [suspended(f"churn-{number:03d}") for number in range(MORE_THAN_A_PAGE)]
    kubectl("create", "-f", "-", namespace=namespace, stdin=yaml.safe_dump_all(models))
    proxy.expiring = 2
    running = operator()

    wait_until(lambda: running.metric(SEEN) == MORE_THAN_A_PAGE, "a pass of every ChurnModel", 300)
    assert proxy.expired == 2
    assert running.metric("churn_operator_watch_restarts_total") == 2
    wait_until(running.is_well, "both probes", 120)

    # One watch of each kind: those of before have ended.
    of_models = f"/apis/churnops.dev/v1alpha1/namespaces/{namespace}/churnmodels"
    of_services = f"/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices"
    wait_until(lambda: proxy.watches[of_models] == 1 == proxy.watches[of_services], "one watch of each kind", 120)

    kubectl("create", "-f", "-", namespace=namespace, stdin=yaml.safe_dump(suspended("afterwards")))
    wait_until(lambda: running.metric(SEEN) == MORE_THAN_A_PAGE + 1, "the one that was made afterwards", 120)

    lease = kubernetes.client.CoordinationV1Api(kubernetes_client).read_namespaced_lease(LEASE, namespace).spec
    assert lease.lease_transitions == 0
    assert running.metric("churn_operator_leading") == 1
    assert running.process.poll() is None

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(120) == 0


def test_the_end_of_a_model_that_no_watch_told_of_is_found_out(
    proxy: ApiServerProxy, operator: Callable[..., Operator], namespace: str, kubectl: Callable[..., str]
) -> None:
    models = [suspended(name) for name in ("stays", "goes")]
    kubectl("create", "-f", "-", namespace=namespace, stdin=yaml.safe_dump_all(models))
    running = operator(CHURN_RESYNC_SECONDS="4")
    wait_until(lambda: running.metric(SEEN) == 2, "a pass of both", 300)
    of_models = f"/apis/churnops.dev/v1alpha1/namespaces/{namespace}/churnmodels"
    wait_until(lambda: proxy.watches[of_models] == 1, "the watch", 120)

    proxy.deaf = True
    kubectl("delete", "churnmodel", "goes", "--wait=false", namespace=namespace)
    wait_until(lambda: running.metric(SEEN) == 1, "the one that is left", 240)
    assert running.metric("churn_operator_watch_restarts_total") == 0
