"""The operator's own steps through the data plane: each driver's promotions and rollbacks, and no failed request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.dataplane import DataPlane
from churn_operator.adapters.kserve.gateway import MIRROR_HEADER
from churn_operator.adapters.kserve.serving import KServeServing
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.core.gateway import GatewayObservation
from churn_operator.core.knative import KnativeObservation
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import (
    Arrangement,
    CanaryListStep,
    KnativeStep,
    PredictorSettings,
    Readiness,
    RouteStep,
    ServedVersion,
    ServingStep,
    TrafficObservation,
    VersionServiceStep,
)
from churn_operator.settings import Settings

from .conftest import SECONDS, Client, Model, answers, until

pytestmark = pytest.mark.cluster

_RUNTIME = "operator-stand-in"
_UID = "0b1c2d3e-0000-4000-8000-000000000001"
_SETTINGS = PredictorSettings(runtime=_RUNTIME, service_account_name="models")
_STAND_IN = Path(__file__).parent / "stand_in_server.py"


@pytest.fixture(scope="module")
def runtime(control_plane: ControlPlane, data_plane: DataPlane) -> None:
    """The stand-in as a server of what the operator's InferenceServices ask for."""
    with control_plane.client() as client:
        kubernetes.client.CustomObjectsApi(client).create_cluster_custom_object(
            "serving.kserve.io",
            "v1alpha1",
            "clusterservingruntimes",
            {
                "apiVersion": "serving.kserve.io/v1alpha1",
                "kind": "ClusterServingRuntime",
                "metadata": {"name": _RUNTIME},
                "spec": {
                    "supportedModelFormats": [{"name": "sklearn"}],
                    "containers": [
                        {
                            "name": "kserve-container",
                            "image": "stand-in",
                            "command": ["python", str(_STAND_IN)],
                            "args": ["--model_name={{.Name}}", "--model_dir=/mnt/models"],
                        }
                    ],
                },
            },
        )
        client.rest_client.pool_manager.clear()


class Rollouts:
    """Takes the steps of one driver towards wishes, as the operator's passes do."""

    def __init__(self, serving: KServeServing, key: ObjectKey, driver: str) -> None:
        self.serving = serving
        self.key = key
        self.driver = driver

    async def observe(self) -> TrafficObservation | None:
        """Read from the API server: nobody watches here."""
        self.serving.forget(self.key)
        return await self.serving.observe(self.key, self.driver)

    async def pursue(self, wish: Arrangement, seconds: float = 240) -> TrafficObservation:
        """Until the wish is in effect."""
        async with asyncio.timeout(seconds):
            while True:
                seen = await self.observe()
                assert seen is not None
                if seen.in_effect(wish, ""):
                    return seen
                step = seen.step_towards(wish, "")
                if step is not None:
                    await self.apply(step)
                await asyncio.sleep(0.1)

    async def apply(self, step: ServingStep) -> None:
        """Take one step."""
        await self.serving.apply(self.key, _UID, self.driver, step)


class KnativeRollouts(Rollouts):
    """Remembers of revisions what the operator keeps in status."""

    def __init__(self, serving: KServeServing, key: ObjectKey) -> None:
        super().__init__(serving, key, "knative")
        self.previous = ""
        self.revisions: dict[int, str] = {}
        self.steps: list[KnativeStep] = []

    async def pursue(self, wish: Arrangement, seconds: float = 240) -> TrafficObservation:
        """Until the wish is in effect, and its versions are ready as they are wished for."""
        async with asyncio.timeout(seconds):
            while True:
                seen = await self.observe()
                assert seen is not None
                wish = self._remember(wish, seen)
                versions = [version for version in (wish.stable, wish.candidate) if version is not None]
                readings = [
                    seen.reading(version, self.previous) for version in versions if wish.weights[version.number]
                ]
                ready = all(reading.readiness is Readiness.READY for reading in readings)
                if ready and seen.in_effect(wish, self.previous):
                    return seen
                step = seen.step_towards(wish, self.previous)
                if isinstance(step, KnativeStep):
                    if seen.changes_model(step):
                        self.previous = seen.newest_revision
                    self.steps.append(step)
                    await self.apply(step)
                await asyncio.sleep(0.1)

    def _remember(self, wish: Arrangement, seen: TrafficObservation) -> Arrangement:
        for version in (wish.stable, wish.candidate):
            if version is not None:
                known = replace(version, revision=self.revisions.get(version.number, ""))
                self.revisions[version.number] = seen.reading(known, self.previous).revision or known.revision
        stable, candidate = (
            version and replace(version, revision=self.revisions[version.number])
            for version in (wish.stable, wish.candidate)
        )
        return replace(wish, stable=stable, candidate=candidate)


@pytest.fixture
def serving(control_plane: ControlPlane, data_plane: DataPlane, runtime: None) -> Iterator[KServeServing]:
    with control_plane.client() as client:
        api = KubernetesApi(client)
        yield KServeServing(Settings(service_url_prefix=data_plane.url), api)
        api.close()
        client.rest_client.pool_manager.clear()


def _versions(model: Model) -> tuple[ServedVersion, ServedVersion]:
    one, two = (ServedVersion(number, model.upload(text), "a" * 64) for number, text in ((1, "one"), (2, "two")))
    return one, two


def _wish(stable: ServedVersion | None, candidate: ServedVersion | None, weight: int = 100) -> Arrangement:
    return Arrangement(stable, candidate, weight, _SETTINGS)


async def _first(rollouts: Rollouts, version: ServedVersion) -> str:
    """The first rollout, which begins where there is nothing to observe; the URL."""
    assert await rollouts.observe() is None
    await rollouts.apply(_FIRST_STEPS[rollouts.driver](version))
    seen = await rollouts.pursue(_wish(None, version))
    assert seen.url is not None
    return seen.url


_FIRST_STEPS: dict[str, Callable[[ServedVersion], ServingStep]] = {
    "canary": lambda version: CanaryListStep(version, None, 0, _SETTINGS),
    "gateway": lambda version: VersionServiceStep(version, _SETTINGS),
}


@pytest.mark.parametrize("driver", ["canary", "gateway"])
async def test_split_promotion_and_the_way_back_without_a_failed_request(
    serving: KServeServing, model: Model, driver: str
) -> None:
    rollouts = Rollouts(serving, ObjectKey(model.namespace, model.name), driver)
    one, two = _versions(model)
    url = await _first(rollouts, one)
    with Client(url) as client:
        for weight in (10, 50, 100):
            await rollouts.pursue(_wish(one, two, weight))
            shares = answers(url, 600)
            # Five standard deviations of a fair split.
            assert abs(shares["two"] / 600 - weight / 100) < 0.11, weight
        await rollouts.pursue(_wish(two, None))
        assert answers(url, 50) == {"two": 50}
        await rollouts.pursue(_wish(one, None))
        assert answers(url, 50) == {"one": 50}
        await rollouts.pursue(_wish(one, two, 50))
        await rollouts.pursue(_wish(one, None))
        assert answers(url, 50) == {"one": 50}
    assert client.failures == []
    await serving.delete(rollouts.key, driver)


async def test_with_knative_a_promotion_is_taken_back_before_the_model_changes(
    serving: KServeServing, model: Model
) -> None:
    rollouts = KnativeRollouts(serving, ObjectKey(model.namespace, model.name))
    one, two = _versions(model)
    await rollouts.apply(KnativeStep(one, 100, _SETTINGS))
    seen = await rollouts.pursue(_wish(None, one))
    assert seen.url is not None
    with Client(seen.url) as client:
        for weight in (0, 50, 100):
            await rollouts.pursue(_wish(one, two, weight))
        assert answers(seen.url, 50) == {"two": 50}
        rollouts.steps.clear()
        back = await rollouts.pursue(_wish(one, None))
        assert answers(seen.url, 50) == {"one": 50}
    assert client.failures == []
    taken = [(step.version.uri, step.percent) for step in rollouts.steps]
    assert taken == [(two.uri, 0), (one.uri, 0), (one.uri, 100)]
    assert isinstance(back, KnativeObservation)
    assert back.latest_rolled_out == back.latest_created
    await serving.delete(rollouts.key, "knative")


async def test_a_candidate_that_does_not_load_gets_nothing(serving: KServeServing, model: Model) -> None:
    rollouts = Rollouts(serving, ObjectKey(model.namespace, model.name), "canary")
    one, _ = _versions(model)
    bad = ServedVersion(2, model.upload("corrupt"), "a" * 64)
    url = await _first(rollouts, one)
    wish = _wish(one, bad, 50)
    with Client(url) as client:
        step = (await _seen(rollouts)).step_towards(wish, "")
        assert step is not None
        await rollouts.apply(step)
        async with asyncio.timeout(240):
            while (await _seen(rollouts)).shifting:
                await asyncio.sleep(0.1)
        seen = await _seen(rollouts)
        assert not seen.in_effect(wish, "")
        assert (seen.reading(bad, "").percent, seen.reading(one, "").percent) == (0, 100)
        assert answers(url, 50) == {"one": 50}
        await rollouts.pursue(_wish(one, None))
    assert client.failures == []


async def _seen(rollouts: Rollouts) -> TrafficObservation:
    seen = await rollouts.observe()
    assert seen is not None
    return seen


async def test_a_mirrored_version_sees_the_requests_and_answers_nobody(serving: KServeServing, model: Model) -> None:
    rollouts = Rollouts(serving, ObjectKey(model.namespace, model.name), "gateway")
    one, two = _versions(model)
    url = await _first(rollouts, one)
    await rollouts.apply(VersionServiceStep(two, _SETTINGS))
    async with asyncio.timeout(240):
        while (await _seen(rollouts)).reading(two, "").readiness is not Readiness.READY:
            await asyncio.sleep(0.1)
    await rollouts.apply(RouteStep(((1, 100),), mirror=(2, 100)))
    async with asyncio.timeout(240):
        while (seen := await _seen(rollouts)).shifting:
            await asyncio.sleep(0.1)
    assert isinstance(seen, GatewayObservation)
    assert seen.mirror == (2, 100)
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        for _ in range(40):
            path, headers = f"/v1/models/{model.name}:predict", {MIRROR_HEADER: "1"}
            answer = await client.post(f"{url}{path}", json={}, headers=headers)
            assert answer.json()["text"] == "one"
            assert answer.json()["mark"] == "2", "whatever a client says of itself"
        direct = model.status(f"{model.name}-v2")["url"]
        until(lambda: int(httpx.get(f"{direct}/", timeout=SECONDS).json()["seen"]) == 40, "the shadow saw the requests")
        assert (await client.get(f"{direct}/")).json()["mark"] == "2", "by which it knows them for copies"
        await rollouts.pursue(_wish(one, two, 100))
        last = (await client.post(f"{url}{path}", json={})).json()
        assert (last["text"], last["mark"]) == ("two", "")
    await serving.delete(rollouts.key, "gateway")
