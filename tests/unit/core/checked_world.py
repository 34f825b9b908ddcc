"""A world that checks, after every pass and whenever anything moves, what must always hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from churn_operator.api.v1alpha1 import ChurnModelSpec
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
from churn_operator.core.fingerprint import fingerprint_for_key
from churn_operator.core.observation import Observation, Unknown
from churn_operator.core.traffic import CanaryListStep, KnativeStep, RouteStep, VersionServiceStep
from churn_operator.core.training import trainer_image, training_key

from tests.unit.core.world import INSTALLATION, Pass, World, spec


@dataclass
class CheckedWorld(World):
    """See above. `trusted` says when a model was last to have all of the traffic, `before` what had traffic before;
    `heeded` the (verb, value) pairs in the order in which they were."""

    trusted: dict[str, datetime] = field(default_factory=dict)
    before: frozenset[str] = frozenset()
    heeded: list[tuple[str, str]] = field(default_factory=list)

    def tick(self) -> None:
        super().tick()
        shares = self.serving.traffic()
        assert sum(shares.values()) in (0, 100), shares
        status = self.model
        for version in status.versions:
            if version.state is VersionState.REJECTED:
                assert version.model_uri not in shares, f"version {version.number} failed its gate and has traffic"
        if shares and status.rollout.stable is not None:
            self.trusted |= dict.fromkeys(_known_good(status), self.now)
            assert self._trusted(set(shares)), f"no version that was in service has traffic: {shares}"
        self.before = frozenset(shares)

    def _trusted(self, models: set[str]) -> set[str]:
        """Those which may have everything: one that no longer may keeps it until the way back is in effect, and
        traffic that was on its way to it when its rollout ended may still arrive."""
        recently = self.now - timedelta(seconds=10)
        self.trusted = {uri: at for uri, at in self.trusted.items() if uri in self.before or at >= recently}
        return models & set(self.trusted)

    def reconcile(self, crash_after: int | None = None) -> Pass:
        consumed = self.model.consumed
        result = super().reconcile(crash_after)
        self.heeded += [pair for pair in self.model.consumed.items() if pair not in consumed.items()]
        assert len(self.heeded) == len(set(self.heeded)), f"heeded twice: {self.heeded}"
        if result.wrote and result.requeue_after is None and crash_after is None:
            self._check_rest()
        names = [run.request.run_name for run in self.runs]
        assert len(names) == len(set(names))
        outputs = [run.request.parameters["output_uri"] for run in self.runs]
        assert len(outputs) == len(set(outputs))
        return result

    def _check_rest(self) -> None:
        """Nobody tells of the operator's own writes: a pass that wants no other has said everything."""
        again = decide(super().observe())
        assert again.status is self.model, "there was more to say"
        assert not again.actions, "there was more to do"

    def observe(self) -> Observation:
        observation = super().observe()
        decision = decide(observation)
        assert decision == decide(replace(observation))
        check_unknown(observation, decision)
        check_unseen_inputs(observation, decision)
        check_verbs(observation, decision)
        for action in decision.actions:
            check_weights(action, decision.status)
            check_key(action, observation)
        return observation


def _known_good(status: ChurnModelStatus) -> set[str]:
    good = {version.model_uri for version in status.versions if version.promoted is not None}
    candidate = status.version(status.rollout.candidate)
    return good | ({candidate.model_uri} if candidate is not None and status.rollout.weight == 100 else set())


def check_key(action: Action, observation: Observation) -> None:
    """A run is submitted under the key of what it is made of."""
    if not isinstance(action, SubmitRun):
        return
    subject, installation = observation.subject, observation.installation
    assert isinstance(subject.spec, ChurnModelSpec)
    assert (action.package is None) == (subject.spec.training.pipeline is None)
    if action.package is not None:
        made_of = fingerprint_for_key(subject.spec), str(action.parameters["dataset_digest"]), action.package.digest
        assert action.parameters["key"] == training_key(subject.key, *made_of)
    assert (action.image or "") == trainer_image(subject.spec, installation)


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
        case ApplyServing(step=CanaryListStep(stable, candidate, percent)):
            assert 0 <= percent <= 100
            assert stable.uri not in rejected
            assert candidate is None or candidate.uri not in rejected


def check_unknown(observation: Observation, decision: Decision) -> None:
    """What could not be seen promotes, rolls back, starts and deletes nothing."""
    before, after = observation.subject.status, decision.status
    kinds = {type(action) for action in decision.actions}
    if isinstance(observation.serving, Unknown):
        assert not kinds & {ApplyServing, DeleteServing}
        assert after.rollout.stable == before.rollout.stable
        if "abort" not in heeded(observation, decision):
            rolled_back = {one.number for one in after.versions if one.state is VersionState.ROLLED_BACK}
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
    if isinstance(observation.traffic, Unknown) and observation.traffic.message:
        assert after.rollout.stable == before.rollout.stable or before.rollout.promoting
        judged = {one.number for one in after.versions if one.reason.startswith("Analysis")}
        assert judged <= {one.number for one in before.versions if one.reason.startswith("Analysis")}


def check_unseen_inputs(observation: Observation, decision: Decision) -> None:
    """Nothing is trained of what could not be seen."""
    before, after = observation.subject.status, decision.status
    if isinstance(observation.dataset, Unknown):
        assert after.dataset == before.dataset
    if isinstance(observation.package, Unknown):
        assert after.pipeline in (before.pipeline, None)
        if observation.package.message:
            assert after.dataset == before.dataset
            assert not any(isinstance(action, SubmitRun) for action in decision.actions)


def heeded(observation: Observation, decision: Decision) -> set[str]:
    """The verbs that this decision consumes."""
    before = observation.subject.status.consumed
    return {verb for verb, value in decision.status.consumed.items() if before.get(verb) != value}


def check_verbs(observation: Observation, decision: Decision) -> None:
    """A verb has its effect when it is consumed, only what is annotated is, and what is paused goes no further."""
    before, after = observation.subject.status, decision.status
    verbs, now, then = heeded(observation, decision), after.rollout, before.rollout
    assert set(before.consumed) <= set(after.consumed)
    for verb in verbs:
        assert after.consumed[verb] == observation.subject.annotations[f"churnops.dev/{verb}"]
    if now.candidate is None or now.candidate != then.candidate:
        gone = then.candidate is not None and then.paused and now.stable == then.candidate
        assert not gone or "promote" in verbs, "promoted during a pause"
        return
    assert now.paused <= then.paused or "pause" in verbs
    assert then.paused <= now.paused or verbs & {"resume", "promote"}
    assert now.promoting <= then.promoting or "promote" in verbs
    assert now.approved in (then.approved, None) or "approve" in verbs
    if then.paused and now.paused:
        assert (now.step, now.weight, now.mirror) == (then.step, then.weight, then.mirror)


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
