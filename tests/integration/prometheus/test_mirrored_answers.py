"""A candidate in a shadow step is judged by what it would have answered: the operator's decisions, driver and queries
with real model servers behind a real gateway, scraped by a real Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.traffic import Traffic
from churn_devcluster.faults import Faults, write_faults
from churn_operator.adapters.kserve.serving import KServeServing
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.adapters.prometheus import PrometheusMetrics
from churn_operator.api.reading import read_spec
from churn_operator.api.v1alpha1 import ChurnModelStatus
from churn_operator.api.v1alpha1.status import RolloutStatus, Verdict, Version, VersionState
from churn_operator.core.actions import ApplyServing
from churn_operator.core.decide import decide
from churn_operator.core.observation import Known, ObjectKey, Observation, Subject
from churn_operator.core.questions import questions
from churn_operator.settings import Settings

from tests.unit.core.rollouts import version
from tests.unit.core.world import INSTALLATION
from tests.unit.serving.telco import CUSTOMER

from .conftest import Models, by, until

pytestmark = pytest.mark.cluster

_UID = "0b1c2d3e-0000-4000-8000-000000000002"
_MIRRORED = 50
_SECONDS = 300


class Operator:
    """The passes of an operator that finds two trained versions and the first of them in service. Datasets and runs
    are never asked about."""

    def __init__(self, models: Models, serving: KServeServing, metrics: PrometheusMetrics) -> None:
        self.key = ObjectKey(models.namespace, "churn")
        self._serving = serving
        self._metrics = metrics
        self._installation = replace(INSTALLATION, traffic_driver="gateway")
        self._spec = read_spec(
            {
                "dataset": {"uri": "s3://data/c.csv"},
                "serving": {"trafficDriver": "gateway", "serviceAccountName": "models"},
                "rollout": {
                    "steps": [{"weight": _MIRRORED, "shadow": True, "bake": "10s"}, {"weight": 50, "bake": "2s"}],
                    "analysis": {
                        "prometheus": models.cluster.prometheus.url,
                        "interval": "5s",
                        "minRequests": 50,
                        "failureLimit": 1,
                        "checks": [{"name": "disagreement"}],
                    },
                },
            }
        )
        first = self._trained(models, 1, VersionState.STABLE)
        self.status = ChurnModelStatus(versions=(first,), latest_version=1, rollout=RolloutStatus(stable=1))
        self._second = self._trained(models, 2, VersionState.CANDIDATE)

    @staticmethod
    def _trained(models: Models, number: int, state: VersionState) -> Version:
        uri, sha256 = models.upload(str(number))
        return version(number, state).model_copy(update={"model_uri": uri, "sha256": sha256})

    def roll_out(self) -> None:
        """The second version passed its gate: it is on its way, with copies of requests at first."""
        rollout = RolloutStatus(stable=1, candidate=2, step=0, weight=0, mirror=_MIRRORED, started=datetime.now(UTC))
        versions = (*self.status.versions, self._second)
        self.status = self.status.model_copy(update={"versions": versions, "latest_version": 2, "rollout": rollout})

    async def until(self, holds: Callable[[ChurnModelStatus], bool]) -> ChurnModelStatus:
        """Passes until the status is as wished."""
        async with asyncio.timeout(_SECONDS):
            while not holds(self.status):
                await self._reconcile()
                await asyncio.sleep(0.2)
        return self.status

    async def _reconcile(self) -> None:
        now = datetime.now(UTC)
        subject = Subject(self.key, _UID, 1, "1", True, None, self._spec, self.status)
        asked = questions(subject, self._installation, now)
        self._serving.forget(self.key)
        serving = Known(await self._serving.observe(self.key, "gateway"))
        observation = Observation(now, subject, self._installation, serving=serving)
        if asked.look is not None:
            seen = Known(await self._metrics.traffic(asked.look.traffic))
            observation = replace(observation, traffic=seen)
        decision = decide(observation)
        for action in decision.actions:
            if isinstance(action, ApplyServing):
                await self._serving.apply(action.key, action.uid, action.driver, action.step)
        self.status = decision.status


def _version(status: ChurnModelStatus, number: int) -> Version:
    found = status.version(number)
    assert found is not None
    return found


@pytest.fixture
async def operator(cluster: Devcluster, models: Models) -> AsyncIterator[Operator]:
    with cluster.control_plane.client() as client:
        api = KubernetesApi(client)
        serving = KServeServing(Settings(service_url_prefix=cluster.data_plane.url), api)
        metrics = PrometheusMetrics()
        running = Operator(models, serving, metrics)
        yield running
        await serving.delete(running.key, "gateway")
        await metrics.close()
        api.close()
        client.rest_client.pool_manager.clear()


@pytest.fixture
async def traffic(operator: Operator) -> AsyncIterator[Traffic]:
    """Version 1 in service, and an application that keeps asking."""
    status = await operator.until(lambda seen: seen.traffic == "v1 100%")
    asking = Traffic(f"{status.url}/v1/models/churn:predict", [CUSTOMER], threads=1)
    with asking:
        yield asking


@pytest.fixture(autouse=True)
def good(faults_file: Path) -> Iterator[None]:
    """The faults end with the test."""
    yield
    write_faults(faults_file, {})


async def test_a_candidate_that_gives_other_classes_goes_back_and_answered_nobody(
    cluster: Devcluster, models: Models, operator: Operator, traffic: Traffic, faults_file: Path
) -> None:
    # Who churns for the stable version does not for the candidate.
    write_faults(faults_file, {"2": Faults(shift_scores=-0.6)})
    operator.roll_out()
    status = await operator.until(lambda seen: _version(seen, 2).state is VersionState.ROLLED_BACK)
    reason = _version(status, 2).reason
    assert reason.startswith("AnalysisFailed: 1 looks at its traffic failed: disagreement: the versions disagree on")
    assert "100.00%, where 10.00% is still good" in reason
    await operator.until(lambda seen: seen.rollout.candidate is None and seen.traffic == "v1 100%")
    assert set(traffic.total.versions) == {"1"}
    assert traffic.total.failures == []

    traffic.pause()
    answered = f"sum by (version) ({models.series('churn_prediction_requests_total')})"
    until(
        lambda: by("version", cluster.prometheus.query(answered)).get("1") == traffic.total.versions["1"],
        "what the candidate asked for its comparisons is no traffic of the stable version",
    )


async def test_a_candidate_that_agrees_goes_on_and_its_pods_never_start_anew(
    models: Models, operator: Operator, traffic: Traffic
) -> None:
    operator.roll_out()
    status = await operator.until(lambda seen: seen.rollout.step == 1)
    assert set(traffic.total.versions) == {"1"}
    assert status.rollout.analysis is not None
    [check] = status.rollout.analysis.checks
    assert (check.verdict, check.value) == (Verdict.PASSED, 0.0)
    assert check.samples >= 50
    await operator.until(lambda seen: seen.rollout.stable == 2 and seen.traffic == "v2 100%")
    assert set(traffic.total.versions) == {"1", "2"}
    assert traffic.total.failures == []
    assert models.generation("2") == 1
