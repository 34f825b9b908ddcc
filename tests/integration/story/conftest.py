"""A whole devcluster for the story's tests; each test has a namespace and an operator of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.story import Story
from churn_devcluster.demo.telling import Teller
from churn_devcluster.operator_process import OperatorProcess
from churn_trainer.synthetic import write_customers


class Recorder(Teller):
    """Keeps the milestones."""

    def __init__(self) -> None:
        super().__init__(as_json=True)
        self.milestones: list[dict[str, Any]] = []

    def milestone(self, name: str, sentence: str, **facts: Any) -> None:
        self.milestones.append({"milestone": name, **facts})


@pytest.fixture(scope="package")
def devcluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devcluster]:
    """Control plane, S3, Kubeflow Pipelines and the KServe data plane."""
    with Devcluster(tmp_path_factory.mktemp("devcluster")) as running:
        yield running


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of Telco-like customers, large enough for the gate of the example."""
    path = tmp_path_factory.mktemp("customers") / "customers.csv"
    write_customers(path, rows=3000, seed=11)
    return path


@pytest.fixture
def story(devcluster: Devcluster, customers: Path) -> Iterator[Story]:
    """The story in a fresh namespace. Afterwards its ChurnModel is suspended, so that a later operator leaves it
    alone, and what serves ends, so that a later test has the machine to itself."""
    told = Story(devcluster, Recorder(), customers, f"story-{uuid.uuid4().hex[:8]}")
    yield told
    if told.models.read(told.name) is not None:
        told.models.patch(told.name, {"suspend": True})
    devcluster.end_serving(told.namespace)


@pytest.fixture
def start_operator(devcluster: Devcluster, story: Story) -> Iterator[Callable[..., OperatorProcess]]:
    """Starts an operator for the story's namespace: `start_operator(CHURN_…="…")`."""
    started: list[OperatorProcess] = []

    def start(**settings: str) -> OperatorProcess:
        process = OperatorProcess(devcluster, {"CHURN_NAMESPACES": story.namespace, **settings})
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.stop()
