"""The operator itself under the token of its ServiceAccount: everything it does works, and the role holds
nothing that it does not do, by the API server's own log."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
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

from .conftest import USER, Object, administrator, create_model
from .operators import WITHIN_REQUESTS, Operator, Platform, Use, requests_of

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
) -> Iterator[Operator]:
    """`python -m churn_operator`, ready, under the token."""
    platform = Platform(object_store.settings, pipelines.url)
    with Operator(operator_kubeconfig, tmp_path_factory.mktemp("operator-home"), platform, {}) as running:
        yield running


@pytest.fixture(scope="module")
def reconciled(installed: ControlPlane, operator: Operator, namespace: str, dataset: dict[str, Object | str]) -> Object:
    """A ChurnModel whose training run has been submitted."""
    create_model(installed, namespace, "churn", **dataset)
    with installed.client() as client:
        api = kubernetes.client.CustomObjectsApi(client)

        def read() -> Object:
            found: Object = api.get_namespaced_custom_object(
                "churnops.dev", "v1alpha1", namespace, "churnmodels", "churn"
            )
            return found

        wait_until(lambda: bool(_training(read()).get("runId")), "a training run", 240, operator.process)
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

        wait_until(lambda: {"DatasetAdopted", "TrainingStarted"} <= reasons(), "its events", seconds=120)


def test_its_role_is_what_it_uses(
    installed: ControlPlane, reconciled: Object, manifests: list[Object], operator_client: kubernetes.client.ApiClient
) -> None:
    key = ObjectKey(reconciled["metadata"]["namespace"], "by-hand")
    made = create_model(installed, key.namespace, key.name)
    # The operator writes to it too, and more than a few changes at a time are a conflict.
    kubectl = administrator(installed)
    judged = ("get", "churnmodel", key.name, f"--namespace={key.namespace}", "--output=jsonpath={.status.conditions}")
    wait_until(lambda: "Stalled" in kubectl(*judged), "the operator's own pass", 240)
    asyncio.run(_use_everything(key, made, operator_client))
    granted = _granted(manifests)
    # A watch stands in the audit log only some time after it began.
    wait_until(lambda: granted <= _used(installed) | WITHIN_REQUESTS, "every granted verb to be used", 240)
    assert [each.uri for each in requests_of(installed, USER) if each.code == 403] == []
    assert _used(installed) | WITHIN_REQUESTS == granted


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


def _used(cluster: ControlPlane) -> set[Use]:
    return {each.use for each in requests_of(cluster, USER) if each.resource}
