"""The Serving port over the real API server: what is applied is what is read, and nobody else's is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import kubernetes
import pytest
from churn_devcluster.dataplane.cluster import remove_canary_list
from churn_operator.adapters.kserve.serving import KServeServing
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.core.canary_list import CanaryListObservation
from churn_operator.core.gateway import GatewayObservation
from churn_operator.core.knative import KnativeObservation
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import (
    Arrangement,
    CanaryListStep,
    KnativeStep,
    PredictorSettings,
    RemoveVersionServiceStep,
    RouteStep,
    ServedVersion,
    VersionServiceStep,
)
from churn_operator.errors import Conflict, Rejected
from churn_operator.settings import Settings

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("definitions")]

_UID = "0b1c2d3e-0000-4000-8000-000000000001"
_ONE = ServedVersion(1, "s3://mlops/churn/shop/telco/0123/1/model", "a" * 64)
_TWO = ServedVersion(2, "s3://mlops/churn/shop/telco/4567/1/model", "b" * 64)
_PREDICTOR = PredictorSettings(
    runtime="churn-serving",
    service_account_name="sa-models",
    min_replicas=0,
    max_replicas=3,
    requests=(("cpu", "500m"), ("memory", "512Mi")),
    limits=(("memory", "1Gi"),),
)
_STANDARD = replace(_PREDICTOR, min_replicas=1)
Object = dict[str, Any]


@pytest.fixture
def key(namespace: str) -> ObjectKey:
    return ObjectKey(namespace, "telco")


@pytest.fixture
def serving(api: KubernetesApi) -> KServeServing:
    return KServeServing(Settings(service_url_prefix="http://gateway.test"), api)


class People:
    """Others who read and write the same objects."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self._objects = kubernetes.client.CustomObjectsApi(client)
        self._namespace = namespace

    def get(self, name: str, plural: str = "inferenceservices") -> Object:
        found: Object = self._objects.get_namespaced_custom_object(*_group(plural), self._namespace, plural, name)
        return found

    def names(self, plural: str = "inferenceservices") -> list[str]:
        listed = self._objects.list_namespaced_custom_object(*_group(plural), self._namespace, plural)
        return sorted(item["metadata"]["name"] for item in listed["items"])

    def create(self, body: Object, plural: str = "inferenceservices") -> Object:
        made: Object = self._objects.create_namespaced_custom_object(*_group(plural), self._namespace, plural, body)
        return made

    def patch(self, name: str, patch: Object) -> Object:
        plural = "inferenceservices"
        done: Object = self._objects.patch_namespaced_custom_object(
            *_group(plural), self._namespace, plural, name, patch
        )
        return done


def _group(plural: str) -> tuple[str, str]:
    return ("gateway.networking.k8s.io", "v1") if plural == "httproutes" else ("serving.kserve.io", "v1beta1")


@pytest.fixture
def people(kubernetes_client: kubernetes.client.ApiClient, namespace: str) -> People:
    return People(kubernetes_client, namespace)


async def _observed(serving: KServeServing, key: ObjectKey) -> KnativeObservation:
    found = await serving.observe(key, "knative")
    assert isinstance(found, KnativeObservation)
    return found


async def _apply(serving: KServeServing, key: ObjectKey, version: ServedVersion, percent: int) -> None:
    await serving.apply(key, _UID, "knative", KnativeStep(version, percent, _PREDICTOR))


async def _until_left(people: People, names: list[str], plural: str = "inferenceservices") -> None:
    """A controller that runs beside has its finalizers."""
    async with asyncio.timeout(120):
        while people.names(plural) != names:
            await asyncio.sleep(0.1)


async def test_nothing_is_none(serving: KServeServing, key: ObjectKey) -> None:
    assert await serving.observe(key, "knative") is None
    assert await serving.observe(key, "gateway") is None


async def test_after_a_step_there_is_no_step_left(serving: KServeServing, key: ObjectKey, api: KubernetesApi) -> None:
    await _apply(serving, key, _ONE, 100)
    wish = Arrangement(None, _ONE, 100, _PREDICTOR)
    for reader in (serving, KServeServing(Settings(), api)):
        assert (await _observed(reader, key)).step_towards(wish, "") is None


async def test_metadata_stays_as_it_was_made(serving: KServeServing, key: ObjectKey, people: People) -> None:
    await _apply(serving, key, _ONE, 100)
    made = people.get(key.name)["metadata"]
    await _apply(serving, key, _TWO, 10)
    await _apply(serving, key, _TWO, 50)
    later = people.get(key.name)["metadata"]
    assert later["generation"] > made["generation"]
    for kept in ("labels", "annotations", "ownerReferences", "uid"):
        assert later[kept] == made[kept]
    assert made["labels"] == {"churnops.dev/model": key.name}
    assert made["ownerReferences"][0]["uid"] == _UID


async def test_the_same_step_again_writes_nothing(serving: KServeServing, key: ObjectKey, people: People) -> None:
    await _apply(serving, key, _ONE, 100)
    before = people.get(key.name)["metadata"]
    await _apply(serving, key, _ONE, 100)
    after = people.get(key.name)["metadata"]
    assert after["generation"] == before["generation"]
    assert _applied_at(after) == _applied_at(before)


def _applied_at(metadata: Object) -> list[str]:
    return [entry["time"] for entry in metadata["managedFields"] if entry["manager"] == "churnmodel-operator"]


async def test_what_a_webhook_adds_is_not_seen_and_not_taken_away(
    serving: KServeServing, key: ObjectKey, people: People
) -> None:
    plain = replace(_PREDICTOR, requests=(), limits=())
    await serving.apply(key, _UID, "knative", KnativeStep(_ONE, 100, plain))
    added = {"model": {"name": "", "resources": {"requests": {"cpu": "1"}, "limits": {}}}}
    serving.seen(people.patch(key.name, {"spec": {"predictor": added}}))
    assert (await _observed(serving, key)).settings == plain
    await serving.apply(key, _UID, "knative", KnativeStep(_TWO, 10, plain))
    assert people.get(key.name)["spec"]["predictor"]["model"]["resources"]["requests"] == {"cpu": "1"}


async def test_a_foreign_edit_is_seen_and_taken_back(serving: KServeServing, key: ObjectKey, people: People) -> None:
    await _apply(serving, key, _ONE, 100)
    edit = {"spec": {"predictor": {"minReplicas": 7, "model": {"storageUri": "s3://else/where"}}}}
    serving.seen(people.patch(key.name, edit))
    observed = await _observed(serving, key)
    assert (observed.uri, observed.settings.min_replicas) == ("s3://else/where", 7)
    await _apply(serving, key, _ONE, 100)
    observed = await _observed(serving, key)
    assert (observed.uri, observed.settings) == (_ONE.uri, _PREDICTOR)


async def test_a_pass_never_acts_on_older_state_than_it_wrote(
    serving: KServeServing, key: ObjectKey, people: People
) -> None:
    await _apply(serving, key, _ONE, 100)
    late = people.get(key.name)
    await _apply(serving, key, _TWO, 10)
    serving.seen(late)
    assert (await _observed(serving, key)).uri == _TWO.uri


async def test_what_the_watch_has_shown_costs_no_request(key: ObjectKey, people: People) -> None:
    class Unreachable:
        async def get(self, path: str, **query: str) -> None:
            raise AssertionError(f"asked for {path}")

    made = people.create(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": key.name, "labels": {"churnops.dev/model": key.name}},
            "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": _ONE.uri}}},
        }
    )
    serving = KServeServing(Settings(), Unreachable())  # type: ignore[arg-type]
    serving.seen(made)
    assert (await _observed(serving, key)).uri == _ONE.uri
    serving.seen(made, deleted=True)
    with pytest.raises(AssertionError, match="asked for"):
        await serving.observe(key, "knative")


async def test_taking_traffic_from_a_uri_leaves_its_pods_as_they_are(
    serving: KServeServing, key: ObjectKey, people: People
) -> None:
    await _apply(serving, key, _TWO, 10)
    observed = await _observed(serving, key)
    before = people.get(key.name)["spec"]["predictor"]
    step = KnativeStep(ServedVersion(0, observed.uri, ""), 0, observed.settings)
    await serving.apply(key, _UID, "knative", step)
    assert people.get(key.name)["spec"]["predictor"] == {**before, "canaryTrafficPercent": 0}


async def test_a_step_for_a_uri_that_is_there_no_more_is_a_conflict(serving: KServeServing, key: ObjectKey) -> None:
    await _apply(serving, key, _TWO, 10)
    with pytest.raises(Conflict):
        await _apply(serving, key, ServedVersion(0, _ONE.uri, ""), 0)


async def test_somebody_elses_inference_service_is_left_alone(
    serving: KServeServing, key: ObjectKey, people: People
) -> None:
    foreign = people.create(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": key.name},
            "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": "s3://theirs"}}},
        }
    )
    assert await serving.observe(key, "knative") is None
    with pytest.raises(Rejected, match="remove it or rename the ChurnModel"):
        await _apply(serving, key, _ONE, 100)
    await serving.delete(key, "knative")
    found = people.get(key.name)
    assert (found["metadata"]["uid"], found["spec"]) == (foreign["metadata"]["uid"], foreign["spec"])
    assert "labels" not in found["metadata"]


async def test_deleting_may_be_repeated(serving: KServeServing, key: ObjectKey, people: People) -> None:
    await _apply(serving, key, _ONE, 100)
    await serving.delete(key, "knative")
    await _until_left(people, [])
    assert await serving.observe(key, "knative") is None
    await serving.delete(key, "knative")


async def _observed_gateway(serving: KServeServing, key: ObjectKey) -> GatewayObservation:
    found = await serving.observe(key, "gateway")
    assert isinstance(found, GatewayObservation)
    return found


async def test_the_gateway_driver_splits_between_services_of_versions(
    serving: KServeServing, key: ObjectKey, people: People
) -> None:
    for version in (_ONE, _TWO):
        await serving.apply(key, _UID, "gateway", VersionServiceStep(version, _PREDICTOR))
    await serving.apply(key, _UID, "gateway", RouteStep(((1, 90), (2, 10))))
    observed = await _observed_gateway(serving, key)
    assert [(service.number, service.uri, service.settings) for service in observed.services] == [
        (1, _ONE.uri, _PREDICTOR),
        (2, _TWO.uri, _PREDICTOR),
    ]
    assert observed.weights == ((1, 90), (2, 10))
    assert observed.url == f"http://gateway.test/serving/{key.namespace}/{key.name}"
    await serving.apply(key, _UID, "gateway", RouteStep(((2, 100),)))
    await serving.apply(key, _UID, "gateway", RemoveVersionServiceStep(1))
    await _until_left(people, [f"{key.name}-v2"])
    assert (await _observed_gateway(serving, key)).weights == ((2, 100),)
    await serving.delete(key, "gateway")
    await _until_left(people, [])
    await _until_left(people, [], "httproutes")


async def test_the_gateway_drivers_rest_costs_no_request(
    api: KubernetesApi, key: ObjectKey, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = KServeServing(Settings(service_url_prefix="http://gateway.test"), api)
    for version in (_ONE, _TWO):
        await serving.apply(key, _UID, "gateway", VersionServiceStep(version, _PREDICTOR))
    await serving.apply(key, _UID, "gateway", RouteStep(((1, 100),), mirror=(2, 25)))
    first = await _observed_gateway(serving, key)
    assert first.mirror == (2, 25)

    async def refuse(path: str, **query: str) -> None:
        raise AssertionError(f"asked for {path}")

    monkeypatch.setattr(api, "get", refuse)
    assert await _observed_gateway(serving, key) == first
    serving.seen(people.patch(f"{key.name}-v2", {"spec": {"predictor": {"minReplicas": 7}}}))
    seen = (await _observed_gateway(serving, key)).services
    assert [service.settings.min_replicas for service in seen] == [0, 7]


async def test_the_gateway_drivers_own_writes_are_seen_at_once(serving: KServeServing, key: ObjectKey) -> None:
    assert await serving.observe(key, "gateway") is None
    for version in (_ONE, _TWO):
        await serving.apply(key, _UID, "gateway", VersionServiceStep(version, _PREDICTOR))
    await serving.apply(key, _UID, "gateway", RouteStep(((1, 90), (2, 10))))
    assert (await _observed_gateway(serving, key)).weights == ((1, 90), (2, 10))
    await serving.apply(key, _UID, "gateway", RouteStep(((1, 100),)))
    await serving.apply(key, _UID, "gateway", RemoveVersionServiceStep(2))
    observed = await _observed_gateway(serving, key)
    assert ([service.number for service in observed.services], observed.weights) == ([1], ((1, 100),))


async def _observed_list(serving: KServeServing, key: ObjectKey) -> CanaryListObservation:
    found = await serving.observe(key, "canary")
    assert isinstance(found, CanaryListObservation)
    return found


async def test_the_canary_driver_splits_and_promotes_in_one_service(
    serving: KServeServing, key: ObjectKey, people: People, api: KubernetesApi
) -> None:
    assert await serving.observe(key, "canary") is None
    await serving.apply(key, _UID, "canary", CanaryListStep(_ONE, None, 0, _STANDARD))
    await serving.apply(key, _UID, "canary", CanaryListStep(_ONE, _TWO, 10, _STANDARD))
    wish = Arrangement(_ONE, _TWO, 10, _STANDARD)
    for reader in (serving, KServeServing(Settings(), api)):
        observed = await _observed_list(reader, key)
        assert observed.step_towards(wish, "") is None
        assert observed.canary is not None
        assert (observed.predictor.number, observed.canary.version.number, observed.canary.percent) == (1, 2, 10)
    kept = ServedVersion(1, _ONE.uri, "")
    await serving.apply(key, _UID, "canary", CanaryListStep(kept, None, 0, _STANDARD))
    left = people.get(key.name)["spec"]
    assert "canary" not in left
    assert left["predictor"]["model"]["env"][0] == {"name": "CHURN_MODEL_SHA256", "value": _ONE.sha256}
    await serving.apply(key, _UID, "canary", CanaryListStep(_TWO, None, 0, _STANDARD))
    assert (await _observed_list(serving, key)).predictor.number == 2
    with pytest.raises(Conflict):
        await serving.apply(key, _UID, "canary", CanaryListStep(kept, None, 0, _STANDARD))


async def test_the_deployment_mode_of_an_inference_service_is_not_changed(
    serving: KServeServing, key: ObjectKey
) -> None:
    await _apply(serving, key, _ONE, 100)
    with pytest.raises(Rejected, match="made for another traffic driver"):
        await serving.observe(key, "canary")


async def test_a_kserve_without_canaries_of_its_own_gets_none(
    key: ObjectKey, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch, people: People
) -> None:
    get = api.get

    async def older(path: str, **query: str) -> Object | None:
        found = await get(path, **query)
        if path.endswith("/customresourcedefinitions") and found is not None:
            assert [item["metadata"]["name"] for item in found["items"]] == ["inferenceservices.serving.kserve.io"]
            for item in found["items"]:
                remove_canary_list(item)
        return found

    monkeypatch.setattr(api, "get", older)
    serving = KServeServing(Settings(), api)
    with pytest.raises(Rejected, match=r"has no spec\.canary"):
        await serving.apply(key, _UID, "canary", CanaryListStep(_ONE, None, 0, _STANDARD))
    assert people.names() == []


async def test_somebody_elses_route_is_left_alone(serving: KServeServing, key: ObjectKey, people: People) -> None:
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": key.name},
        # With a host of its own: a route without one would take everybody's requests in the shared cluster.
        "spec": {"hostnames": ["theirs.example"], "rules": [{"backendRefs": [{"name": "theirs", "port": 80}]}]},
    }
    people.create(route, "httproutes")
    with pytest.raises(Rejected, match="remove it or rename the ChurnModel"):
        await serving.apply(key, _UID, "gateway", RouteStep(((1, 100),)))
    await serving.delete(key, "gateway")
    assert people.names("httproutes") == [key.name]


@pytest.mark.parametrize("driver", ["auto", ""])
async def test_a_driver_that_is_not_there_is_refused(serving: KServeServing, key: ObjectKey, driver: str) -> None:
    with pytest.raises(Rejected, match="use knative, gateway or canary"):
        await serving.observe(key, driver)
    with pytest.raises(Rejected, match="has no step KnativeStep"):
        await serving.apply(key, _UID, driver, KnativeStep(_ONE, 100, _PREDICTOR))


async def test_the_cluster_has_httproutes_only_so_the_gateway_driver_is_taken(serving: KServeServing) -> None:
    assert await serving.detect_driver() == "gateway"


async def test_the_watchs_form_of_an_object_is_read(
    serving: KServeServing, key: ObjectKey, kubernetes_client: kubernetes.client.ApiClient, people: People
) -> None:
    await _apply(serving, key, _ONE, 100)
    watch = kubernetes.watch.Watch()
    listing: Callable[..., Any] = kubernetes.client.CustomObjectsApi(kubernetes_client).list_namespaced_custom_object
    events = watch.stream(listing, *_group("inferenceservices"), key.namespace, "inferenceservices", timeout_seconds=2)
    other = KServeServing(Settings(), KubernetesApi(kubernetes_client))
    for event in events:
        other.seen(event["object"], event["type"] == "DELETED")
        watch.stop()
    seen, own = await _observed(other, key), await _observed(serving, key)
    assert (seen.uri, seen.percent, seen.settings) == (own.uri, own.percent, own.settings)
