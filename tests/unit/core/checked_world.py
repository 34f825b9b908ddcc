"""A world that checks, after every pass and whenever anything moves, what must always hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from churn_operator.api.v1alpha1.status import ChurnModelStatus, VersionState
from churn_operator.core.actions import (
    Action,
    ApplyServing,
    Decision,
    DeleteArtifacts,
    DeleteRun,
    DeleteServing,
    SubmitRun,
    TerminateRun,
)
from churn_operator.core.decide import decide
from churn_operator.core.observation import Observation, Unknown
from churn_operator.core.traffic import KnativeStep, RouteStep, VersionServiceStep

from tests.unit.core.world import INSTALLATION, Pass, World, spec


@dataclass
class CheckedWorld(World):
    """See above."""

    def tick(self) -> None:
        super().tick()
        shares = self.serving.traffic()
        assert sum(shares.values()) in (0, 100), shares
        status = self.model
        for version in status.versions:
            if version.state is VersionState.REJECTED:
                assert version.model_uri not in shares, f"version {version.number} failed its gate and has traffic"
        if shares and status.rollout.stable is not None:
            assert set(shares) & _known_good(status), f"no version that was in service has traffic: {shares}"

    def reconcile(self, crash_after: int | None = None) -> Pass:
        result = super().reconcile(crash_after)
        names = [run.request.run_name for run in self.runs]
        assert len(names) == len(set(names))
        outputs = [run.request.parameters["output_uri"] for run in self.runs]
        assert len(outputs) == len(set(outputs))
        return result

    def observe(self) -> Observation:
        observation = super().observe()
        decision = decide(observation)
        assert decision == decide(replace(observation))
        check_unknown(observation, decision)
        for action in decision.actions:
            check_weights(action, decision.status)
        return observation


def _known_good(status: ChurnModelStatus) -> set[str]:
    good = {version.model_uri for version in status.versions if version.promoted is not None}
    candidate = status.version(status.rollout.candidate)
    return good | ({candidate.model_uri} if candidate is not None and status.rollout.weight == 100 else set())


def check_weights(action: Action, status: ChurnModelStatus) -> None:
    """Every wish applied is a split of 100, and never one for a version that failed its gate."""
    rejected = {version.model_uri for version in status.versions if version.state is VersionState.REJECTED}
    match action:
        case ApplyServing(step=KnativeStep(version, percent)):
            assert 0 <= percent <= 100
            assert version.uri not in rejected or percent == 0
        case ApplyServing(step=RouteStep(weights)):
            assert sum(percent for _, percent in weights) == 100
        case ApplyServing(step=VersionServiceStep(version)):
            assert version.uri not in rejected


def check_unknown(observation: Observation, decision: Decision) -> None:
    """What could not be seen promotes, rolls back, starts and deletes nothing."""
    before, after = observation.subject.status, decision.status
    kinds = {type(action) for action in decision.actions}
    if isinstance(observation.serving, Unknown):
        assert not kinds & {ApplyServing, DeleteServing}
        assert after.rollout.stable == before.rollout.stable
        rolled_back = {version.number for version in after.versions if version.state is VersionState.ROLLED_BACK}
        assert rolled_back <= {one.number for one in before.versions if one.state is VersionState.ROLLED_BACK}
    if isinstance(observation.run, Unknown):
        assert SubmitRun not in kinds
        assert after.latest_version == before.latest_version
        if observation.subject.deletion_requested is None:
            assert TerminateRun not in kinds
    if isinstance(observation.report, Unknown):
        assert after.latest_version == before.latest_version
        assert len(after.rejected_keys) <= len(before.rejected_keys) or not isinstance(observation.serving, Unknown)
    if isinstance(observation.leftovers, Unknown):
        assert not kinds & {DeleteRun, DeleteArtifacts}
    if isinstance(observation.dataset, Unknown):
        assert after.dataset == before.dataset


def checked(driver: str, **changes: Any) -> CheckedWorld:
    """A checked world with a new ChurnModel of this spec."""
    return CheckedWorld(spec(**changes), installation=replace(INSTALLATION, traffic_driver=driver))


def without_times(content: Any) -> Any:
    """A status as JSON without times and ids, which differ from one life to the next."""
    if isinstance(content, dict):
        volatile = {"runId", "runUrl"}
        return {key: without_times(value) for key, value in content.items() if key not in volatile and not _time(value)}
    return [without_times(element) for element in content] if isinstance(content, list) else content


def _time(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("2026-") and value.endswith("Z")
