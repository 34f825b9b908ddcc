"""The second part of the story: live traffic decides. A healthy version is promoted, bad ones go back by
themselves, and without traffic nothing is decided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from churn_devcluster.churn_models import Status, condition, settled_on, version
from churn_devcluster.demo.story import (
    BETTER,
    ROLLOUT_SECONDS,
    RUNTIME,
    TRAINING_SECONDS,
    Story,
    merged,
)
from churn_devcluster.demo.traffic import Traffic
from churn_devcluster.errors import DevclusterError
from churn_devcluster.faults import Faults, faulty_runtime, write_faults

INTERVAL_SECONDS = 5
FAILURE_LIMIT = 2
BAKE = "15s"
CHECKS = [
    {"name": "errorRatio", "maximum": 0.005},
    # Two busy cores serve everything here: a healthy version may well seem half as slow again for a while.
    {"name": "latencyQuantile", "maximum": 2.5},
    {"name": "scoreShift", "maximum": 0.2},
]


@dataclass(frozen=True)
class BadVersion:
    """A version that passes its gate and is bad all the same."""

    name: str
    faults: Faults
    check: str
    regularization: float


BAD_VERSIONS = (
    BadVersion("answers 5% of the requests with an error", Faults(error_share=0.05), "errorRatio", 0.31),
    BadVersion("is five times slower", Faults(slow_factor=5), "latencyQuantile", 0.32),
    BadVersion("scores everybody 0.3 higher", Faults(shift_scores=0.3), "scoreShift", 0.33),
)


@dataclass(frozen=True)
class AnalysisStory:
    """Goes on where the first part has ended, with the same ChurnModel."""

    story: Story

    @property
    def runtime(self) -> str:
        """Name of the runtime whose bad versions a file names; one a namespace."""
        return f"churn-serving-{self.story.namespace}"

    @property
    def faults_file(self) -> Path:
        """That file."""
        return self.story.cluster.work_dir / "faults" / f"{self.story.namespace}.json"

    def manifest(self, regularization: float | None = None) -> dict[str, Any]:
        """The example, judged by live traffic."""
        steps = [{"weight": step["weight"], "bake": BAKE} for step in self.story.manifest["spec"]["rollout"]["steps"]]
        analysis = {
            "prometheus": self.story.cluster.prometheus.url,
            "interval": f"{INTERVAL_SECONDS}s",
            "minRequests": 100,
            "failureLimit": FAILURE_LIMIT,
            "onInconclusive": "Hold",
            "checks": CHECKS,
        }
        training: dict[str, Any] = (
            dict(BETTER["training"]) if regularization is None else {"hyperparameters": {"C": regularization}}
        )
        change: dict[str, dict[str, Any]] = {
            "training": training,
            "serving": {"runtime": self.runtime},
            "rollout": {"steps": steps, "analysis": analysis},
        }
        return merged(self.story.manifest, change)

    def tell(self, traffic: Traffic) -> None:
        """The whole second part.

        Raises:
            DevclusterError: something that should have happened did not.
        """
        self.prepare()
        self.quiet_night(traffic)
        for bad in BAD_VERSIONS:
            self.bad_version(traffic, bad)

    def prepare(self) -> None:
        """The runtime, with nothing wrong yet."""
        manifest = faulty_runtime(yaml.safe_load(RUNTIME.read_text()), self.faults_file)
        manifest["metadata"]["name"] = self.runtime
        self.story.cluster.kubectl.apply([manifest])

    def quiet_night(self, traffic: Traffic) -> None:
        """Version 2 is wanted again, without a training; while nobody asks, it is neither promoted nor rolled
        back; when requests come, it is promoted."""
        teller, models, name = self.story.teller, self.story.models, self.story.name
        teller.headline("Version 2 is wanted again, at night")
        models.apply({**self.manifest()})
        models.patch(name, {"rollbackTo": None})
        with teller.waiting("version 2 at its first step"):
            models.wait(name, baking(2), "version 2 at its first step", ROLLOUT_SECONDS)
            traffic.pause()
            status = models.wait(name, inconclusive, "the analysis to be inconclusive", ROLLOUT_SECONDS)
        message = condition(status, "CanaryHealthy")["message"]
        teller.milestone("held", f"with no traffic the rollout holds: {message}", version=2, reason=message)
        traffic.resume()
        with teller.waiting("judging version 2 by its traffic"):
            models.wait(name, settled_on(2), "version 2 to be promoted", ROLLOUT_SECONDS)
        teller.milestone("promotedByAnalysis", "a healthy version 2 was promoted", version=2)

    def bad_version(self, traffic: Traffic, bad: BadVersion) -> None:
        """It passes its gate, gets 10%, and goes back."""
        teller, models, name = self.story.teller, self.story.models, self.story.name
        number = int(models.status(name)["latestVersion"]) + 1
        teller.headline(f"Version {number} {bad.name}")
        write_faults(self.faults_file, {str(number): bad.faults})
        models.apply(self.manifest(bad.regularization))
        with teller.waiting(f"training version {number}"):
            wait = f"version {number} to be trained"
            models.wait(name, lambda seen: bool(version(seen, number)), wait, TRAINING_SECONDS)
        with teller.waiting(f"version {number} at 10%"):
            models.wait(name, baking(number), f"version {number} at its first step", ROLLOUT_SECONDS)
            traffic.window()
            weights = [0]

            def gone(seen: Status) -> bool:
                rollout = seen.get("rollout", {})
                if rollout.get("candidate") == number:
                    weights.append(rollout.get("weight", 0))
                return version(seen, number).get("state") == "RolledBack"

            status = models.wait(name, gone, f"version {number} to be rolled back", ROLLOUT_SECONDS)
        counted = traffic.window()
        reason = version(status, number)["reason"]
        stable_failures = sum(count for who, count in counted.failed.items() if who != str(number))
        facts = {
            "version": number,
            "check": bad.check,
            "weight": max(weights),
            "reason": reason,
            "answers": dict(counted.versions),
            "failed": dict(counted.failed),
        }
        teller.milestone("rolledBackByAnalysis", f"version {number} was rolled back: {reason}", **facts)
        if stable_failures:
            raise DevclusterError(f"{stable_failures} requests failed that version {number} did not answer.")
        models.wait(name, settled_on(2), "all traffic to be back on version 2", ROLLOUT_SECONDS)


def baking(number: int) -> Any:
    """The wish that this version's first step is in effect."""

    def wish(status: Status) -> bool:
        rollout = status.get("rollout", {})
        return rollout.get("candidate") == number and "stepStarted" in rollout

    return wish


def inconclusive(status: Status) -> bool:
    """The last look at live traffic found too little of it, and the step goes on all the same."""
    rollout = status.get("rollout", {})
    return rollout.get("analysis", {}).get("verdict") == "Inconclusive" and rollout.get("candidate") is not None
