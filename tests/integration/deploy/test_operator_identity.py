"""The operator itself under the token of its ServiceAccount: everything it does works, and the role holds
nothing that it does not do, by the API server's own log."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
from churn_devcluster.ports import LOOPBACK, free_ports
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until
from churn_operator.adapters.api_session import ApiSession
from churn_operator.adapters.cluster import FINALIZER, KubernetesCluster
from churn_operator.adapters.kserve.serving import KServeServing
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.core.actions import Event, EventType
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import (
    KnativeStep,
    PredictorSettings,
    RouteStep,
    ServedVersion,
    ServingStep,
    VersionServiceStep,
)
from churn_operator.settings import Settings

from .conftest import USER, Object, create_model

Use = tuple[str, str, str]
"""A verb, an API group and a resource."""

_WITHIN_REQUESTS: set[Use] = {
    ("update", "churnops.dev", "churnmodels/finalizers"),
    ("create", "serving.kserve.io", "inferenceservices"),
    ("create", "gateway.networking.k8s.io", "httproutes"),
}
"""Never a request of its own: an owner reference needs the first where OwnerReferencesPermissionEnforcement is
on, and the first server-side apply of an object, whose verb is patch, the others."""

_UID = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
def namespace(installed: ControlPlane) -> str:
    name = f"test-{uuid.uuid4().hex[:12]}"
    installed.create_namespace(name)
    return name


@pytest.fixture(scope="module")
def dataset(installed: ControlPlane, object_store: ObjectStore, namespace: str) -> dict[str, Object | str]:
    """spec.dataset of data that is there, opened by a Secret."""
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    object_store.create_buckets([bucket])
    object_store.settings.client().put_object(bucket, "telco.csv", io.BytesIO(b"any"), 3)
    with installed.client() as client:
        secret = {"metadata": {"name": "credentials"}, "stringData": object_store.settings.environment}
        kubernetes.client.CoreV1Api(client).create_namespaced_secret(namespace, secret)
    return {"uri": f"s3://{bucket}/telco.csv", "secretRef": {"name": "credentials"}}


@pytest.fixture(scope="module")
def pipelines(installed: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PipelinesEndpoint]:
    """Kubeflow Pipelines. Runs fail there for want of the Secret of the training steps, which is no matter here."""
    with PipelinesEndpoint(tmp_path_factory.mktemp("pipelines"), installed.kubeconfig) as running:
        yield running


@pytest.fixture(scope="module")
def operator(
    operator_kubeconfig: Path,
    object_store: ObjectStore,
    pipelines: PipelinesEndpoint,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Process]:
    """`python -m churn_operator`, ready, under the token."""
    folder = tmp_path_factory.mktemp("operator-home")
    metrics, health = free_ports(2)
    environment = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "KUBECONFIG": str(operator_kubeconfig),
        "CHURN_S3_ENDPOINT": object_store.settings.endpoint,
        "CHURN_PIPELINES_ENDPOINT": pipelines.url,
        "CHURN_BIND_ADDRESS": LOOPBACK,
        "CHURN_METRICS_PORT": str(metrics),
        "CHURN_HEALTH_PORT": str(health),
        **object_store.settings.environment,
    }
    command = [sys.executable, "-m", "churn_operator"]
    with Process("operator", command, folder / "operator.log", environment) as running:
        wait_until(lambda: _answers(f"http://{LOOPBACK}:{health}/readyz"), "the operator", 60, running)
        yield running


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def reconciled(installed: ControlPlane, operator: Process, namespace: str, dataset: dict[str, Object | str]) -> Object:
    """A ChurnModel whose training run has been submitted."""
    create_model(installed, namespace, "churn", **dataset)
    with installed.client() as client:
        api = kubernetes.client.CustomObjectsApi(client)

        def read() -> Object:
            found: Object = api.get_namespaced_custom_object(
                "churnops.dev", "v1alpha1", namespace, "churnmodels", "churn"
            )
            return found

        wait_until(lambda: bool(_training(read()).get("runId")), "a training run", 60, operator)
        return read()


def _training(model: Object) -> dict[str, str]:
    found: dict[str, str] = model.get("status", {}).get("training", {})
    return found


def _conditions(model: Object) -> dict[str, str]:
    return {each["type"]: each["reason"] for each in model.get("status", {}).get("conditions", ())}


def test_the_operator_reconciles(reconciled: Object) -> None:
    assert reconciled["metadata"]["finalizers"] == [FINALIZER]
    assert _conditions(reconciled)["DatasetReady"] == "DatasetAdopted"
    assert reconciled["status"]["observedGeneration"] == reconciled["metadata"]["generation"] == 1
    assert "annotations" not in reconciled["metadata"]


def test_its_events_are_posted(installed: ControlPlane, reconciled: Object) -> None:
    namespace = reconciled["metadata"]["namespace"]
    with installed.client() as client:
        core = kubernetes.client.CoreV1Api(client)

        def reasons() -> set[str]:
            return {event.reason for event in core.list_namespaced_event(namespace).items}

        wait_until(lambda: {"DatasetAdopted", "TrainingStarted"} <= reasons(), "its events", seconds=30)


def test_its_role_is_what_it_uses(
    installed: ControlPlane, reconciled: Object, manifests: list[Object], operator_client: kubernetes.client.ApiClient
) -> None:
    key = ObjectKey(reconciled["metadata"]["namespace"], "by-hand")
    asyncio.run(_use_everything(key, create_model(installed, key.namespace, key.name), operator_client))
    granted = _granted(manifests)
    # A watch stands in the audit log only some time after it began.
    wait_until(lambda: granted <= _audited(installed)[0] | _WITHIN_REQUESTS, "every granted verb to be used", 60)
    used, refused = _audited(installed)
    assert not refused
    assert used | _WITHIN_REQUESTS == granted


async def _use_everything(key: ObjectKey, model: Object, client: kubernetes.client.ApiClient) -> None:
    """What the operator does later in a ChurnModel's life, through its own adapters."""
    api, session = KubernetesApi(client), ApiSession(client.configuration)
    try:
        await _tell_and_release(KubernetesCluster(session), key, model["metadata"]["uid"])
        serving = KServeServing(Settings(), api)
        for driver, steps in _STEPS.items():
            for step in steps:
                await serving.apply(key, _UID, driver, step)
            assert await KServeServing(Settings(), api).observe(key, driver) is not None
            await serving.delete(key, driver)
    finally:
        await session.close()
        api.close()


async def _tell_and_release(cluster: KubernetesCluster, key: ObjectKey, uid: str) -> None:
    said = Event(EventType.NORMAL, "Promoted", "version 1 is in service")
    await cluster.post_event(key, uid, said)
    await cluster.post_event(key, uid, said)
    await cluster.set_finalizer(key, True)
    await cluster.set_finalizer(key, False)


_VERSION = ServedVersion(1, "s3://mlops/churn/team/by-hand/0123/1/model", "0" * 64)
_PREDICTOR = PredictorSettings(runtime="churn-serving")
_STEPS: dict[str, tuple[ServingStep, ...]] = {
    "knative": (KnativeStep(_VERSION, 100, _PREDICTOR),),
    "gateway": (VersionServiceStep(_VERSION, _PREDICTOR), RouteStep(((1, 100),))),
}


def _granted(manifests: list[Object]) -> set[Use]:
    """What the roles bound to the ServiceAccount allow."""
    bindings = [each for each in manifests if each["kind"] == "ClusterRoleBinding"]
    bound = {each["roleRef"]["name"] for each in bindings}
    roles = [each for each in manifests if each["kind"] == "ClusterRole" and each["metadata"]["name"] in bound]
    return {
        (verb, group, resource)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _audited(cluster: ControlPlane) -> tuple[set[Use], list[str]]:
    """What the ServiceAccount asked the API server for, and what of it was forbidden."""
    used: set[Use] = set()
    refused: list[str] = []
    complete, _, _ = cluster.audit_log.read_text().rpartition("\n")
    for line in complete.splitlines():
        entry = json.loads(line)
        if entry["user"]["username"] != USER:
            continue
        about = entry.get("objectRef")
        if about is not None:
            resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
            used.add((entry["verb"], about.get("apiGroup", ""), resource))
        if entry.get("responseStatus", {}).get("code") == 403:
            refused.append(f"{entry['verb']} {entry['requestURI']}")
    return used, refused
