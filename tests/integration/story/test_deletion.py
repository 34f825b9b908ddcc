"""Deleting a ChurnModel removes what its policy says, and never hangs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from churn_devcluster.demo.story import Story, merged
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.waiting import wait_until

from tests.integration.story.runs import run_names

SECONDS = 300.0


@pytest.fixture
def deletable(story: Story, start_operator: Callable[..., OperatorProcess]) -> Callable[..., None]:
    """Brings version 1 into service under a deletion policy, with an operator of these settings."""

    def serve(policy: str, **settings: str) -> None:
        start_operator(**settings)
        story.prepare()
        story.models.apply({**story.manifest, "spec": {**story.manifest["spec"], "deletionPolicy": policy}})
        story.models.wait(story.name, lambda status: status.get("phase") == "Serving", "version 1 to serve", 600)

    return serve


def artifacts(story: Story) -> list[str]:
    """Names of the objects below the model's folder."""
    client = story.cluster.object_store.settings.client()
    prefix = f"churn/{story.namespace}/{story.name}/"
    return [one.object_name for one in client.list_objects(story.cluster.bucket, prefix=prefix, recursive=True)]


def inference_services(story: Story) -> str:
    """What kubectl lists."""
    return story.cluster.kubectl("get", "inferenceservices", "-o", "name", f"--namespace={story.namespace}")


def delete(story: Story) -> None:
    """Delete the ChurnModel and wait until it is gone."""
    story.models.delete(story.name)
    wait_until(lambda: story.models.read(story.name) is None, "the ChurnModel to be gone", SECONDS)


def test_delete_removes_service_runs_and_artifacts(story: Story, deletable: Callable[..., None]) -> None:
    deletable("Delete")
    assert artifacts(story)
    assert run_names(story)
    delete(story)
    assert inference_services(story) == ""
    assert artifacts(story) == []
    assert run_names(story).total() == 0


def test_retain_removes_only_the_service(story: Story, deletable: Callable[..., None]) -> None:
    deletable("Retain")
    before = artifacts(story)
    delete(story)
    assert inference_services(story) == ""
    assert artifacts(story) == before != []
    assert run_names(story).total() == 1


@pytest.mark.parametrize("part", ["pipelines", "object_store"])
def test_what_cannot_be_reached_is_given_up_with_a_warning(
    story: Story, deletable: Callable[..., None], part: str
) -> None:
    deletable("Delete", CHURN_CLEANUP_DEADLINE_SECONDS="8")
    gone = getattr(story.cluster, part)
    gone.stop()
    try:
        delete(story)
    finally:
        gone.start()
    # The time that was left may have been too short for its servers to end.
    wait_until(lambda: inference_services(story) == "", "the InferenceService to be gone", SECONDS)
    # It is posted behind the pass that gave up.
    events = ("get", "events", f"--namespace={story.namespace}")
    wait_until(lambda: "CleanupGaveUp" in story.cluster.kubectl(*events), "the warning", SECONDS)


def test_a_model_that_never_served_goes_at_once(story: Story, start_operator: Callable[..., OperatorProcess]) -> None:
    start_operator()
    story.cluster.open_s3_to(story.namespace, "sa-minio-kserve")
    manifest = merged(story.manifest, {"dataset": {"uri": "s3://mlops-data/not-there.csv"}})
    story.models.apply(manifest)
    story.models.wait(story.name, lambda status: bool(status.get("conditions")), "a status", SECONDS)
    delete(story)
