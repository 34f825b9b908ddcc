"""While a part of the world is gone the model keeps answering, status says what is wrong, and when it is
back the story goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from churn_devcluster.churn_models import condition, settled_on, version
from churn_devcluster.demo.customers import instances
from churn_devcluster.demo.story import Story, merged, predict_url
from churn_devcluster.demo.traffic import Traffic
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.waiting import wait_until

SECONDS = 400.0
MANY = 100


@pytest.fixture
def serving(story: Story, start_operator: Callable[..., OperatorProcess]) -> Iterator[Traffic]:
    """Version 1 in service, and an application that keeps asking."""
    start_operator()
    story.prepare()
    status = story.first_version()
    with Traffic(predict_url(status, story.name), instances(story.customers)) as traffic:
        yield traffic


def change(story: Story, inverse_regularization: float) -> None:
    """Ask for another model."""
    story.models.apply(merged(story.manifest, {"training": {"hyperparameters": {"C": inverse_regularization}}}))


def unknown(story: Story, kind: str, reason: str) -> None:
    """Wait until a condition says that this part of the world cannot be seen."""

    def seen(status: object) -> bool:
        found = condition(status, kind)  # type: ignore[arg-type]
        return (found.get("status"), found.get("reason")) == ("Unknown", reason)

    status = story.models.wait(story.name, seen, f"{kind} to be Unknown: {reason}", SECONDS)
    assert condition(status, kind)["message"]
    assert condition(status, "Ready")["status"] == "True"


def keeps_answering(traffic: Traffic) -> None:
    """Many more requests are answered, and none failed so far."""
    traffic.window()
    wait_until(lambda: traffic.seen() >= MANY, f"{MANY} answers", SECONDS)
    assert traffic.total.failures == []


def goes_on(story: Story, number: int) -> None:
    """The new version comes into service after all, by one run."""
    status = story.models.wait(story.name, settled_on(number), f"version {number} to serve", SECONDS)
    assert version(status, number)["state"] == "Stable"
    assert status["training"]["attempt"] == 1


def test_kubeflow_pipelines_is_gone(story: Story, serving: Traffic) -> None:
    story.cluster.pipelines.stop()
    try:
        change(story, 0.5)
        unknown(story, "Trained", "KFPUnavailable")
        keeps_answering(serving)
    finally:
        story.cluster.pipelines.start()
    goes_on(story, 2)
    keeps_answering(serving)


def test_the_object_store_is_gone(story: Story, serving: Traffic) -> None:
    story.cluster.object_store.stop()
    try:
        change(story, 0.6)
        unknown(story, "DatasetReady", "S3Unavailable")
        keeps_answering(serving)
    finally:
        story.cluster.object_store.start()
    goes_on(story, 2)
    keeps_answering(serving)


def test_the_api_server_is_restarted_in_the_middle_of_a_canary(story: Story, serving: Traffic) -> None:
    change(story, 0.7)
    at_ten = lambda status: status.get("rollout", {}).get("weight") == 10  # noqa: E731
    story.models.wait(story.name, at_ten, "the canary to begin", SECONDS)
    story.cluster.control_plane.restart_apiserver()
    keeps_answering(serving)
    goes_on(story, 2)
    keeps_answering(serving)
