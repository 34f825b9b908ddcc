"""Deleting a ChurnModel removes what its policy says, and never hangs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from churn_devcluster.demo.story import Story, merged
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.waiting import wait_until

from tests.integration.story.runs import run_names

SECONDS = 90.0


@pytest.fixture
def deletable(story: Story, start_operator: Callable[..., OperatorProcess]) -> Callable[[str], None]:
    """Brings version 1 into service under a deletion policy; the operator gives up cleaning after 8 s."""

    def serve(policy: str) -> None:
        start_operator(CHURN_CLEANUP_DEADLINE_SECONDS="8")
        story.prepare()
        story.models.apply({**story.manifest, "spec": {**story.manifest["spec"], "deletionPolicy": policy}})
        story.models.wait(story.name, lambda status: status.get("phase") == "Serving", "version 1 to serve", 240)

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


def test_delete_removes_service_runs_and_artifacts(story: Story, deletable: Callable[[str], None]) -> None:
    deletable("Delete")
    assert artifacts(story)
    assert run_names(story)
    delete(story)
    assert inference_services(story) == ""
    assert artifacts(story) == []
    assert run_names(story).total() == 0


def test_retain_removes_only_the_service(story: Story, deletable: Callable[[str], None]) -> None:
    deletable("Retain")
    before = artifacts(story)
    delete(story)
    assert inference_services(story) == ""
    assert artifacts(story) == before != []
    assert run_names(story).total() == 1


@pytest.mark.parametrize("part", ["pipelines", "object_store"])
def test_what_cannot_be_reached_is_given_up_with_a_warning(
    story: Story, deletable: Callable[[str], None], part: str
) -> None:
    deletable("Delete")
    gone = getattr(story.cluster, part)
    gone.stop()
    try:
        delete(story)
    finally:
        gone.start()
    assert inference_services(story) == ""
    events = story.cluster.kubectl("get", "events", f"--namespace={story.namespace}")
    assert "CleanupGaveUp" in events


def test_a_model_that_never_served_goes_at_once(story: Story, start_operator: Callable[..., OperatorProcess]) -> None:
    start_operator()
    story.cluster.open_s3_to(story.namespace, "sa-minio-kserve")
    manifest = merged(story.manifest, {"dataset": {"uri": "s3://mlops-data/not-there.csv"}})
    story.models.apply(manifest)
    story.models.wait(story.name, lambda status: bool(status.get("conditions")), "a status", SECONDS)
    delete(story)
