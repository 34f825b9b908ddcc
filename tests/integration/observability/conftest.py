"""A devcluster with everything that dashboards and alerts are about: a version in service, one that was rolled back, a
canary under analysis that fails some of its requests, a ChurnModel that is stalled, live traffic, and a Prometheus that
scraped all of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from churn_devcluster.binaries import Binaries
from churn_devcluster.churn_models import Status, settled_on, version
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.analysis_story import AnalysisStory, baking
from churn_devcluster.demo.customers import instances
from churn_devcluster.demo.story import ROLLOUT_SECONDS, TRAINING_SECONDS, Story, merged, predict_url
from churn_devcluster.demo.telling import Teller
from churn_devcluster.demo.traffic import Traffic
from churn_devcluster.faults import Faults, write_faults
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.prometheus_binary import find_promtool
from churn_trainer.synthetic import write_customers

ROLLED_BACK, CANDIDATE = 2, 3
FAULTS = Faults(error_share=0.2)


class Silent(Teller):
    """Tells nobody."""

    def __init__(self) -> None:
        super().__init__(as_json=True)

    def milestone(self, name: str, sentence: str, **facts: Any) -> None:
        pass


@dataclass(frozen=True)
class Live:
    """The ChurnModel of the devcluster, and the traffic to it."""

    cluster: Devcluster
    story: Story
    traffic: Traffic
    variables: dict[str, str] = field(default_factory=dict)
    """What a person would have chosen on a dashboard."""


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus' own tool; built first on a machine that has none."""
    return find_promtool()


@pytest.fixture(scope="session")
def kubectl_binary(binaries: Binaries) -> Path:
    """kubectl, for what needs no cluster."""
    return binaries.kubectl


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Version 3 has a tenth of the traffic for as long as the tests take, and fails a fifth of it."""
    customers = tmp_path_factory.mktemp("customers") / "customers.csv"
    write_customers(customers, rows=3000, seed=11)
    with Devcluster(tmp_path_factory.mktemp("devcluster")) as cluster:
        story = Story(cluster, Silent(), customers, f"team-{uuid.uuid4().hex[:8]}")
        told = AnalysisStory(story)
        with OperatorProcess(cluster, {"CHURN_NAMESPACES": story.namespace}):
            story.prepare()
            told.prepare()
            write_faults(told.faults_file, {str(CANDIDATE): FAULTS})
            _stall(story)
            story.models.apply(_wish(told, regularization=1.0))
            status = _wait(story, _in_service, "version 1 in service")
            with Traffic(predict_url(status, story.name), instances(customers)) as traffic:
                story.models.apply(_wish(told, regularization=0.3))
                _wait(story, baking(ROLLED_BACK), "version 2 on its way")
                _annotate(story, "abort")
                _wait(story, lambda seen: _state(seen, ROLLED_BACK) == "RolledBack", "version 2 rolled back")
                story.models.apply(_wish(told, regularization=0.5))
                _wait(story, _under_analysis, "an analysis of version 3")
                chosen = {"namespace": story.namespace, "name": story.name, "job": ".*", "__rate_interval": "30s"}
                yield Live(cluster, story, traffic, chosen)


def _wish(told: AnalysisStory, regularization: float) -> dict[str, Any]:
    """A model whose first step outlasts the tests, and whose failures do not take it back meanwhile."""
    analysis = {
        "prometheus": told.story.cluster.prometheus.url,
        "interval": "10s",
        "minRequests": 10,
        "failureLimit": 100,
        "checks": [{"name": "errorRatio", "maximum": 0.05}, {"name": "scoreShift", "maximum": 0.9}],
    }
    change = {
        "training": {"hyperparameters": {"C": regularization}},
        "serving": {"runtime": told.runtime},
        "rollout": {"steps": [{"weight": 10, "bake": "1h"}], "analysis": analysis},
    }
    return merged(told.story.manifest, change)


def _stall(story: Story) -> None:
    """Another ChurnModel, whose data is not there."""
    manifest = merged(story.manifest, {"dataset": {"uri": f"s3://{story.cluster.bucket}/nothing.csv"}})
    story.models.apply({**manifest, "metadata": {"name": "stalled"}})


def _annotate(story: Story, verb: str) -> None:
    namespace = f"--namespace={story.namespace}"
    story.cluster.kubectl("annotate", "churnmodel", story.name, f"churnops.dev/{verb}=now", namespace)


def _wait(story: Story, wish: Callable[[Status], bool], description: str) -> Status:
    return story.models.wait(story.name, wish, description, TRAINING_SECONDS + ROLLOUT_SECONDS)


def _in_service(status: Status) -> bool:
    return settled_on(1)(status) and "url" in status


def _state(status: Status, number: int) -> str:
    return str(version(status, number).get("state"))


def _under_analysis(status: Status) -> bool:
    checks = status.get("rollout", {}).get("analysis", {}).get("checks", ())
    return baking(CANDIDATE)(status) and bool(checks) and all("value" in check for check in checks)
