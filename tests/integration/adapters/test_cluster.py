"""The Cluster port over the real API server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import kubernetes
import pytest
from churn_operator.adapters.api_session import ApiSession
from churn_operator.adapters.cluster import FINALIZER, KubernetesCluster
from churn_operator.core.actions import Event, EventType
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import Conflict, NotFound, Rejected, Transient

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("definitions")]

_GROUP = ("churnops.dev", "v1alpha1")
_STATUS = {"observedGeneration": 1, "phase": "Training"}
Object = dict[str, Any]


@pytest.fixture
def key(namespace: str) -> ObjectKey:
    return ObjectKey(namespace, "telco")


@pytest.fixture
def objects(kubernetes_client: kubernetes.client.ApiClient) -> Any:
    """What a person uses."""
    return kubernetes.client.CustomObjectsApi(kubernetes_client)


@pytest.fixture
def created(objects: Any, key: ObjectKey) -> Object:
    """A ChurnModel."""
    body = {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {"name": key.name, "labels": {"team": "crm"}, "finalizers": ["example.test/other"]},
        "spec": {"dataset": {"uri": "s3://mlops/customers.csv"}},
    }
    found: Object = objects.create_namespaced_custom_object(*_GROUP, key.namespace, "churnmodels", body)
    return found


@pytest.fixture
def cluster(session: ApiSession) -> KubernetesCluster:
    return KubernetesCluster(session)


async def test_reading_answers_the_object_or_none(cluster: KubernetesCluster, key: ObjectKey, created: Object) -> None:
    found = await cluster.read(key)
    assert found is not None
    assert found["metadata"]["uid"] == created["metadata"]["uid"]
    assert await cluster.read(ObjectKey(key.namespace, "nobody")) is None


async def test_a_status_is_replaced_and_nothing_else(
    cluster: KubernetesCluster, key: ObjectKey, created: Object
) -> None:
    first = await cluster.write_status(key, {**_STATUS, "url": "http://a"}, created["metadata"]["resourceVersion"])
    second = await cluster.write_status(key, _STATUS, first["metadata"]["resourceVersion"])
    found = await cluster.read(key)
    assert found is not None
    assert found["status"] == second["status"]
    assert "url" not in found["status"]
    assert found["spec"] == created["spec"]
    for kept in ("labels", "finalizers", "generation", "uid"):
        assert found["metadata"][kept] == created["metadata"][kept]


async def test_a_status_of_a_changed_object_is_a_conflict(
    cluster: KubernetesCluster, key: ObjectKey, created: Object
) -> None:
    version = created["metadata"]["resourceVersion"]
    await cluster.write_status(key, _STATUS, version)
    with pytest.raises(Conflict):
        await cluster.write_status(key, {**_STATUS, "phase": "Serving"}, version)


async def test_a_status_of_nobody_is_not_found(cluster: KubernetesCluster, key: ObjectKey) -> None:
    with pytest.raises(NotFound):
        await cluster.write_status(key, _STATUS, "1")


async def test_a_status_that_the_schema_refuses_is_rejected(
    cluster: KubernetesCluster, key: ObjectKey, created: Object
) -> None:
    with pytest.raises(Rejected, match=r"status\.observedGeneration"):
        await cluster.write_status(key, {"observedGeneration": "one"}, created["metadata"]["resourceVersion"])


async def test_our_finalizer_comes_and_goes_and_others_stay(
    cluster: KubernetesCluster, key: ObjectKey, created: Object
) -> None:
    added = await cluster.set_finalizer(key, present=True)
    assert added is not None
    assert added["metadata"]["finalizers"] == ["example.test/other", FINALIZER]
    again = await cluster.set_finalizer(key, present=True)
    assert again is not None
    assert again["metadata"]["resourceVersion"] == added["metadata"]["resourceVersion"], "nothing was written"
    removed = await cluster.set_finalizer(key, present=False)
    assert removed is not None
    assert removed["metadata"]["finalizers"] == ["example.test/other"]
    assert removed["metadata"]["generation"] == created["metadata"]["generation"]


async def test_a_finalizer_of_nobody_is_none(cluster: KubernetesCluster, key: ObjectKey) -> None:
    assert await cluster.set_finalizer(key, present=True) is None


async def test_removing_the_last_finalizer_lets_the_object_go(
    cluster: KubernetesCluster, key: ObjectKey, created: Object, objects: Any
) -> None:
    await cluster.set_finalizer(key, present=True)
    patch = {"metadata": {"finalizers": [FINALIZER]}}
    objects.patch_namespaced_custom_object(*_GROUP, key.namespace, "churnmodels", key.name, patch)
    objects.delete_namespaced_custom_object(*_GROUP, key.namespace, "churnmodels", key.name)
    await cluster.set_finalizer(key, present=False)
    assert await cluster.read(key) is None


class ChangesMeanwhile(ApiSession):
    """An object that somebody else changes just before each of our first `times` writes."""

    def __init__(self, configuration: Any, change: Callable[[int], object], times: int) -> None:
        super().__init__(configuration)
        self._change = change
        self._left = times

    async def request(self, method: str, path: str, *args: Any, **kwargs: Any) -> Object:
        if method == "PATCH" and self._left:
            self._left -= 1
            await asyncio.to_thread(self._change, self._left)
        return await super().request(method, path, *args, **kwargs)


@pytest.mark.parametrize(("changes", "conflict"), [(2, False), (3, True)])
async def test_a_finalizer_outlasts_a_few_changes_meanwhile(
    kubernetes_client: Any, key: ObjectKey, created: Object, objects: Any, changes: int, conflict: bool
) -> None:
    def change(number: int) -> None:
        patch = {"metadata": {"labels": {"number": str(number)}}}
        objects.patch_namespaced_custom_object(*_GROUP, key.namespace, "churnmodels", key.name, patch)

    session = ChangesMeanwhile(kubernetes_client.configuration, change, changes)
    try:
        if conflict:
            with pytest.raises(Conflict):
                await KubernetesCluster(session).set_finalizer(key, present=True)
        else:
            found = await KubernetesCluster(session).set_finalizer(key, present=True)
            assert found is not None
            assert found["metadata"]["labels"] == {"team": "crm", "number": "0"}
            assert FINALIZER in found["metadata"]["finalizers"]
    finally:
        await session.close()


async def test_the_same_event_again_raises_its_count(
    session: ApiSession, key: ObjectKey, created: Object, kubernetes_client: kubernetes.client.ApiClient
) -> None:
    hours = iter(range(24))
    cluster = KubernetesCluster(session, lambda: datetime(2026, 8, 1, next(hours), tzinfo=UTC))
    uid = created["metadata"]["uid"]
    failed = Event(EventType.WARNING, "GateFailed", "rocAuc 0.71 is below 0.80")
    for _ in range(3):
        await cluster.post_event(key, uid, failed)
    await cluster.post_event(key, uid, Event(EventType.NORMAL, "Promoted", "version 2 serves"))
    listed = kubernetes.client.CoreV1Api(kubernetes_client).list_namespaced_event(
        key.namespace, field_selector=f"involvedObject.uid={uid}"
    )
    counted = {event.reason: (event.count, event.type) for event in listed.items}
    assert counted == {"GateFailed": (3, "Warning"), "Promoted": (1, "Normal")}
    again = next(event for event in listed.items if event.reason == "GateFailed")
    assert again.last_timestamp > again.first_timestamp
    assert again.reporting_component == "churnmodel-operator"


async def test_kubectl_describe_shows_the_event(
    cluster: KubernetesCluster, key: ObjectKey, created: Object, kubectl: Callable[..., str]
) -> None:
    await cluster.post_event(key, created["metadata"]["uid"], Event(EventType.NORMAL, "RunSubmitted", "run telco-1"))
    described = kubectl("describe", "churnmodel", key.name, namespace=key.namespace)
    assert "RunSubmitted" in described
    assert "run telco-1" in described


async def test_events_of_one_second_are_told_in_their_order(
    session: ApiSession, key: ObjectKey, created: Object, kubectl: Callable[..., str]
) -> None:
    """Twenty, as kubectl sorts up to twelve by a way that keeps what it cannot tell apart, and more by another."""
    cluster = KubernetesCluster(session, lambda: datetime(2026, 8, 1, 12, tzinfo=UTC))
    reasons = [f"Reason{chr(ord('A') + (7 * number) % 20)}" for number in range(20)]
    for reason in reasons:
        await cluster.post_event(key, created["metadata"]["uid"], Event(EventType.NORMAL, reason, "a step"))
    described = kubectl("describe", "churnmodel", key.name, namespace=key.namespace)
    listed = kubectl("events", f"--for=churnmodel.v1alpha1.churnops.dev/{key.name}", namespace=key.namespace)
    for shown in (described, listed):
        assert [word for word in shown.split() if word.startswith("Reason") and word != "Reason"] == reasons


async def test_an_event_that_has_expired_is_posted_anew(
    cluster: KubernetesCluster, key: ObjectKey, created: Object, kubernetes_client: kubernetes.client.ApiClient
) -> None:
    uid, event = created["metadata"]["uid"], Event(EventType.NORMAL, "Promoted", "version 2 serves")
    api = kubernetes.client.CoreV1Api(kubernetes_client)
    await cluster.post_event(key, uid, event)
    await asyncio.to_thread(api.delete_collection_namespaced_event, key.namespace)
    await cluster.post_event(key, uid, event)
    listed = api.list_namespaced_event(key.namespace, field_selector=f"involvedObject.uid={uid}")
    assert [each.count for each in listed.items] == [1]


@pytest.mark.parametrize("kind", ["closed_port", "silent_port"])
async def test_an_outage_is_transient(key: ObjectKey, kind: str, request: pytest.FixtureRequest) -> None:
    configuration = kubernetes.client.Configuration(host=f"http://127.0.0.1:{request.getfixturevalue(kind)}")
    session = ApiSession(configuration)
    started = time.monotonic()
    with pytest.raises(Transient, match="the API server cannot be reached"):
        await KubernetesCluster(session).read(key)
    await session.close()
    # Ten, and what a busy machine adds.
    assert time.monotonic() - started < 20
