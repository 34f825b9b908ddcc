"""Two operators, one of which is killed in the middle of a training: the other brings the version into service."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from churn_devcluster.churn_models import condition
from churn_devcluster.demo.story import Story
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.waiting import wait_until

from tests.integration.story.runs import run_names

pytestmark = pytest.mark.cluster


def leads(operator: OperatorProcess) -> bool:
    """Whether it says that it runs passes."""
    text = httpx.get(operator.metrics_url, trust_env=False, timeout=60).text
    return "churn_operator_leading 1.0" in text


def test_the_other_finishes_what_the_first_began(story: Story, start_operator: Callable[..., OperatorProcess]) -> None:
    lease = {
        "CHURN_LEADER_ELECTION": "true",
        "CHURN_LEASE_NAMESPACE": story.namespace,
        "CHURN_LEASE_DURATION_SECONDS": "12",
        "CHURN_LEASE_RENEW_SECONDS": "10",
        "CHURN_LEASE_RETRY_SECONDS": "0.5",
    }
    story.cluster.control_plane.create_namespace(story.namespace)
    first = start_operator(**lease)
    wait_until(lambda: leads(first), "the first to lead", 120)
    second = start_operator(**lease)
    assert not leads(second)

    story.prepare()
    story.models.apply(story.manifest)
    wait_until(lambda: bool(run_names(story)), "a run", 120)
    first.kill()
    story.first_version()

    assert leads(second)
    status = story.models.status(story.name)
    assert [(one["number"], one["state"]) for one in status["versions"]] == [(1, "Stable")]
    assert condition(status, "Ready")["status"] == "True"
    assert list(run_names(story).values()) == [1]
