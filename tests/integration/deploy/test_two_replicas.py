"""Two operators under the roles of the component two-replicas: one works, and the other takes over."""

from __future__ import annotations

import io
import signal
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import kfp_server_api
import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
from churn_devcluster.waiting import wait_until

from .conftest import ACCOUNT, NAMESPACE, USER, Object, Render, administrator, create_model
from .operators import Operator, Platform, Request, requests_of
from .test_chart import overlay
from .test_manifests import find

pytestmark = pytest.mark.cluster

_MODELS = 6
_TIMES = {"CHURN_LEASE_DURATION_SECONDS": "12", "CHURN_LEASE_RENEW_SECONDS": "10", "CHURN_LEASE_RETRY_SECONDS": "0.5"}

_LONG = {"CHURN_LEASE_DURATION_SECONDS": "300", "CHURN_LEASE_RENEW_SECONDS": "200"}
"""So long that who takes over sooner has not waited for the end of the Lease."""

Start = Callable[..., Operator]


@pytest.fixture(scope="module")
def settings(cluster: ControlPlane, render: Render, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings of the operator, once it is installed with the component."""
    rendered = render(overlay(tmp_path_factory.mktemp("overlay"), "operator", ("two-replicas",)))
    kubectl = administrator(cluster)
    kubectl.apply(rendered)
    wait_until(lambda: "churnmodels" in kubectl("api-resources", "--api-group=churnops.dev"), "ChurnModel", seconds=120)
    lease = ("auth", "can-i", "create", "leases", f"--as={USER}", f"--namespace={NAMESPACE}")
    wait_until(lambda: "yes" in kubectl(*lease), "the role of the Lease", seconds=120)
    found: dict[str, str] = find(rendered, "ConfigMap", "churn-operator-settings")["data"]
    return {**found, "CHURN_TRAFFIC_DRIVER": "knative"}


@pytest.fixture(scope="module")
def platform(
    cluster: ControlPlane, object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    with PipelinesEndpoint(tmp_path_factory.mktemp("pipelines"), cluster.kubeconfig) as running:
        yield Platform(object_store.settings, running.url)


@pytest.fixture
def start(cluster: ControlPlane, settings: dict[str, str], platform: Platform, tmp_path: Path) -> Iterator[Start]:
    """`start("one")`: an operator of that name, with a token of its own; ready, working or not."""
    lease = {"CHURN_LEASE_NAMESPACE": NAMESPACE}
    with ExitStack() as running:

        def started(name: str, times: Mapping[str, str] = _TIMES) -> Operator:
            kubeconfig = cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT, tmp_path / f"{name}.kubeconfig")
            return running.enter_context(Operator(kubeconfig, tmp_path, platform, {**settings, **times, **lease}, name))

        yield started


@pytest.fixture
def models(cluster: ControlPlane, object_store: ObjectStore, settings: dict[str, str]) -> Callable[[], list[Object]]:
    """Creates ChurnModels whose data is there, and answers how they are now."""
    namespace, bucket = (f"test-{uuid.uuid4().hex[:12]}" for _ in range(2))
    cluster.create_namespace(namespace)
    object_store.create_buckets([bucket])
    object_store.settings.client().put_object(bucket, "telco.csv", io.BytesIO(b"any"), 3)
    for number in range(_MODELS):
        create_model(cluster, namespace, f"churn-{number}", uri=f"s3://{bucket}/telco.csv")

    def read() -> list[Object]:
        with cluster.client() as client:
            api = kubernetes.client.CustomObjectsApi(client)
            found: list[Object] = api.list_namespaced_custom_object(
                "churnops.dev", "v1alpha1", namespace, "churnmodels"
            )["items"]
        return found

    return read


def add_one(cluster: ControlPlane, models: Callable[[], list[Object]]) -> None:
    """A ChurnModel that the first operator cannot have been at, however fast it was."""
    other = models()[0]
    create_model(cluster, other["metadata"]["namespace"], "churn-late", uri=other["spec"]["dataset"]["uri"])


def submitted(models: list[Object]) -> int:
    return sum(bool(each.get("status", {}).get("training", {}).get("runId")) for each in models)


def writes(cluster: ControlPlane) -> dict[str, list[Request]]:
    """Successful writes but those to the Lease, by the token that they came with."""
    found: dict[str, list[Request]] = {}
    for request in requests_of(cluster, USER):
        if request.verb not in ("get", "list", "watch") and request.resource != "leases" and request.code < 400:
            found.setdefault(request.credential, []).append(request)
    return found


def run_names(platform: Platform, namespaces: set[str]) -> Counter[str]:
    """How often each display name occurs among the runs of ChurnModels in the namespaces."""
    names: Counter[str] = Counter()
    with kfp_server_api.ApiClient(kfp_server_api.Configuration(host=platform.pipelines)) as client:
        listed = kfp_server_api.ExperimentServiceApi(client).experiment_service_list_experiments(page_size=200)
        runs = kfp_server_api.RunServiceApi(client)
        for experiment in listed.experiments or []:
            if any(experiment.display_name.startswith(f"{namespace}-") for namespace in namespaces):
                found = runs.run_service_list_runs(experiment_id=experiment.experiment_id, page_size=200).runs or []
                names.update(run.display_name for run in found)
    return names


def test_the_other_takes_over_and_finishes_when_the_first_is_killed(
    cluster: ControlPlane, platform: Platform, start: Start, models: Callable[[], list[Object]]
) -> None:
    first = start("first")
    wait_until(lambda: first.leads, "the first to lead", 240, first.process)
    second = start("second")
    assert not second.leads
    wait_until(lambda: submitted(models()) >= 2, "some of the work", 240, first.process)
    first.process.kill()
    add_one(cluster, models)
    wait_until(lambda: second.leads, "the second to lead", 150, second.process)
    wait_until(lambda: submitted(models()) == _MODELS + 1, "the rest of the work", 400, second.process)

    of_test = {each["metadata"]["namespace"] for each in models()}
    tokens = [
        [request for request in requests if request.namespace in of_test] for requests in writes(cluster).values()
    ]
    by_first, by_second = sorted(filter(None, tokens), key=lambda requests: requests[0].at)
    assert max(each.at for each in by_first) < min(each.at for each in by_second)
    runs = run_names(platform, of_test)
    assert len(runs) >= _MODELS + 1
    assert set(runs.values()) == {1}


def test_one_that_stops_hands_over_at_once(cluster: ControlPlane, start: Start) -> None:
    first = start("first", _LONG)
    wait_until(lambda: first.leads, "the first to lead", 240, first.process)
    second = start("second", _LONG)
    first.process.stop(seconds=120)
    assert first.process.exit_code == 0, first.process.log_tail()
    assert "handed over" not in first.process.log_tail()
    wait_until(lambda: second.leads, "the second to lead", 150, second.process)
    with cluster.client() as client:
        lease = kubernetes.client.CoordinationV1Api(client).read_namespaced_lease("churn-operator", NAMESPACE)
    assert lease.spec.holder_identity.startswith("second_")
    assert second.metric("churn_operator_lease_holder", holder=lease.spec.holder_identity) == 1


def test_one_that_was_stopped_and_goes_on_ends_and_writes_nothing(
    cluster: ControlPlane, start: Start, models: Callable[[], list[Object]]
) -> None:
    first = start("first")
    wait_until(lambda: first.leads, "the first to lead", 240, first.process)
    second = start("second")
    wait_until(lambda: submitted(models()) >= 1, "some of the work", 240, first.process)
    first.signal(signal.SIGSTOP)
    add_one(cluster, models)
    wait_until(lambda: second.leads, "the second to lead", 150, second.process)
    first.signal(signal.SIGCONT)
    wait_until(lambda: not first.process.running, "the first to end", 120)
    assert first.process.exit_code == 1
    assert "the lease is lost, so this operator ends" in first.process.log.read_text()
    wait_until(lambda: submitted(models()) == _MODELS + 1, "the rest of the work", 400, second.process)

    of_test = {each["metadata"]["namespace"] for each in models()}
    tokens = [
        [request for request in requests if request.namespace in of_test] for requests in writes(cluster).values()
    ]
    by_first, by_second = sorted(filter(None, tokens), key=lambda requests: requests[0].at)
    assert max(each.at for each in by_first) < min(each.at for each in by_second)


def test_nothing_was_refused(cluster: ControlPlane, start: Start) -> None:
    """The component's role of the Lease is enough, also for one that is not there yet."""
    alone = start("alone")
    wait_until(lambda: alone.leads, "it to lead", 240, alone.process)
    refused = [request.uri for request in requests_of(cluster, USER) if request.code == 403]
    assert refused == []
