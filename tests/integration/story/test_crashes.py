"""Killing the operator at any moment changes nothing of the story's end."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from churn_devcluster.churn_models import condition
from churn_devcluster.demo.story import Story
from churn_devcluster.operator_process import OperatorProcess

from tests.integration.story.runs import run_names

KILLS = 10
SEED = 20261124


class Killer(threading.Thread):
    """Kills the operator at random moments, and starts it again each time."""

    def __init__(self, operator: OperatorProcess) -> None:
        super().__init__(daemon=True)
        self._operator = operator
        self._random = random.Random(SEED)
        self._over = threading.Event()
        self.kills = 0

    def run(self) -> None:
        while self.kills < KILLS and not self._over.wait(self._random.uniform(1, 8)):
            self._operator.kill()
            self.kills += 1
            self._operator.start(wait=False)

    def end(self) -> None:
        """Stop killing."""
        self._over.set()
        self.join(timeout=120)


def test_ten_kills_change_nothing_of_the_end(story: Story, start_operator: Callable[..., OperatorProcess]) -> None:
    killer = Killer(start_operator())
    killer.start()
    try:
        story.tell()
    finally:
        killer.end()

    assert killer.kills == KILLS
    status = story.models.status(story.name)
    assert [(one["number"], one["state"]) for one in status["versions"]] == [
        (1, "Stable"),
        (2, "Superseded"),
        (3, "Rejected"),
    ]
    assert condition(status, "Ready")["reason"] == "Pinned"
    names = run_names(story)
    assert set(names.values()) == {1}
    assert sorted(name.rsplit("-", 1)[1] for name in names) == ["1", "1", "1"]


def test_only_kubectl_writes_spec_and_nobody_annotates(
    story: Story, start_operator: Callable[..., OperatorProcess]
) -> None:
    start_operator()
    story.prepare()
    story.first_version()

    raw = story.models.read(story.name)
    assert raw is not None
    writers = {entry["manager"] for entry in raw["metadata"]["managedFields"] if "f:spec" in entry["fieldsV1"]}
    assert writers == {"kubectl-client-side-apply"}
    assert set(raw["metadata"]["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    assert "labels" not in raw["metadata"]
    listed = story.cluster.kubectl("get", "inferenceservices,churnmodels,events", "-A", "-o", "yaml")
    assert "kopf" not in listed
