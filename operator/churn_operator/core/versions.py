"""Version records: made from a report, judged by the gate, wanted again, forgotten by age."""

from __future__ import annotations

import math
from collections.abc import Mapping

from churn_report import ArtifactLayout, Report

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus
from churn_operator.api.v1alpha1.common import METRICS
from churn_operator.api.v1alpha1.status import TrainingStatus, Version, VersionState
from churn_operator.core import challenge, gate
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.observation import Known
from churn_operator.core.training import trainer_image

MOST_METRICS = 40
"""Metrics of a version that status keeps: a pipeline of one's own may report any number of them."""


def record_version(draft: Draft, training: TrainingStatus, report: Report) -> Draft:
    """Give a trained model its number and the gate's verdict."""
    model_uri = ArtifactLayout(training.output_uri).model_uri
    number = _free_number(draft, model_uri)
    results = gate.verdict(draft.spec.evaluation, report.metrics, challenge.judge(draft, training, report))
    version = Version(
        number=number,
        key=training.key,
        state=VersionState.CANDIDATE,
        model_uri=model_uri,
        output_uri=training.output_uri,
        sha256=report.sha256_of("model/model.joblib") or "",
        dataset_digest=training.dataset_digest,
        run_id=training.run_id or "",
        image=trainer_image(draft.spec, draft.observation.installation),
        pipeline=draft.status.dataset.pipeline if draft.status.dataset else None,
        algorithm=report.algorithm or "",
        metrics=_remembered(report.metrics),
        gate=results,
        created=draft.now,
    )
    draft = draft.with_status(latest_version=number).with_version(version)
    draft = draft.tell("ModelTrained", f"{_made(version)}, by run {training.run_name}").look_again(AT_ONCE)
    draft = _pass(draft, version) if gate.passed(results) else _reject(draft, version)
    return say_made(draft)


def _free_number(draft: Draft, model_uri: str) -> int:
    """The next one. Where status came from a backup, or is gone, what serves may have later numbers in its names: this
    model takes up its own again, and replaces no other, which may be in service, in its place."""
    serving, latest = draft.observation.serving, draft.status.latest_version
    named = serving.value.named_versions if isinstance(serving, Known) and serving.value is not None else {}
    own = [number for number, uri in named.items() if uri == model_uri and number > latest]
    return max(own, default=max(latest, *named, 0) + 1)


def _remembered(metrics: Mapping[str, float]) -> dict[str, float]:
    """Those that are numbers: all that the gate may have to judge again, and the first of the rest."""
    finite = [name for name, value in metrics.items() if math.isfinite(value)]
    return {name: metrics[name] for name in sorted(finite, key=lambda name: name not in METRICS)[:MOST_METRICS]}


def _made(version: Version) -> str:
    area = version.metrics.get("rocAuc")
    return f"version {version.number}" + (f", ROC AUC {area:.4f}" if area is not None else "")


def say_made(draft: Draft) -> Draft:
    """Conditions of the version that is wished for, if there is one: it may be made long ago."""
    version = draft.wished_version
    if version is None:
        return draft
    draft = draft.find(ConditionType.TRAINED, ConditionStatus.TRUE, "ModelTrained", _made(version))
    if version.state is VersionState.REJECTED:
        return draft.find(ConditionType.GATE_PASSED, ConditionStatus.FALSE, "GateRejected", _refusal(version))
    return draft.find(ConditionType.GATE_PASSED, ConditionStatus.TRUE, "GatePassed", _approval(version))


def _approval(version: Version) -> str:
    count = len(version.gate)
    return f"version {version.number} passed {count} check{'' if count == 1 else 's'}"


def _refusal(version: Version) -> str:
    return f"version {version.number} is not served: {gate.explanation(version.gate)}"


def _pass(draft: Draft, version: Version) -> Draft:
    return draft.tell("GatePassed", _approval(version))


def _reject(draft: Draft, version: Version) -> Draft:
    why, message = gate.explanation(version.gate), _refusal(version)
    rejected = version.model_copy(
        update={"state": VersionState.REJECTED, "retired": draft.now, "reason": f"GateRejected: {why}"}
    )
    draft = draft.with_version(rejected).reject_key(version.key, "GateRejected", message)
    return draft.warn("GateRejected", message)


def reconsider_versions(draft: Draft) -> Draft:
    """Make a version a candidate again whose key is wished for once more (same key, same model), or whose
    metrics meet the thresholds as they are now."""
    version = draft.wished_version
    if version is None or draft.spec.rollback_to is not None:
        return draft
    match version.state:
        case VersionState.SUPERSEDED if not draft.rejection(version.key):
            return _again(draft, version, "VersionWantedAgain", "is wanted again; it needs no training")
        case VersionState.REJECTED:
            results = gate.verdict(draft.spec.evaluation, version.metrics, challenge.judge_again(draft, version))
            if not gate.passed(results):
                return draft
            others = tuple(entry for entry in draft.status.rejected_keys if entry.key != version.key)
            judged = version.model_copy(update={"gate": results, "reason": ""})
            return _again(draft.with_status(rejected_keys=others), judged, "GatePassed", "meets the new thresholds")
        case _:
            return draft


def forgive_version(draft: Draft, version: Version) -> Draft | None:
    """What was held against the wished version is forgotten; one that the gate refused is judged once more. None
    where there is nothing to forgive."""
    match version.state:
        case VersionState.ROLLED_BACK:
            again = version.model_copy(update={"reason": ""})
            draft = draft.forget_rejection(version.key)
            return _again(draft, again, "Retried", "is tried again; it needs no training")
        case VersionState.REJECTED:
            return _judge_again(draft, version)
        case VersionState.SUPERSEDED | VersionState.STABLE if draft.rejection(version.key):
            told = f"nothing is held against version {version.number} any more"
            return draft.forget_rejection(version.key).tell("Retried", told)
        case _:
            return None


def _judge_again(draft: Draft, version: Version) -> Draft:
    """Refused once more, with a warning that says so; a version that passes by now is let through elsewhere."""
    results = gate.verdict(draft.spec.evaluation, version.metrics, challenge.judge_again(draft, version))
    if gate.not_compared(results):
        return _make_way(draft, version)
    return draft if gate.passed(results) else _reject(draft, version.model_copy(update={"gate": results}))


def _make_way(draft: Draft, version: Version) -> Draft:
    """Only another run can compare the model with the champion: the version makes way for that run's."""
    attempt = int(version.output_uri.rsplit("/", 1)[-1])
    others = tuple(other for other in draft.status.versions if other.number != version.number)
    draft = draft.forget_rejection(version.key).abandon(version.key, attempt).with_status(versions=others)
    return draft.tell("Retried", f"version {version.number} is trained again, to be compared with the champion")


def _again(draft: Draft, version: Version, reason: str, message: str) -> Draft:
    again = version.model_copy(update={"state": VersionState.CANDIDATE, "retired": None})
    return draft.with_version(again).tell(reason, f"version {version.number} {message}")


def forget_old_versions(draft: Draft) -> Draft:
    """Keep the newest versions up to the limit, and always those in service, on their way, pinned or wished
    for (whose key would be trained again)."""
    excess = len(draft.status.versions) - draft.spec.history.limit
    if excess <= 0:
        return draft
    rollout, wished = draft.status.rollout, draft.wished_version
    kept_anyway = {rollout.stable, rollout.candidate, draft.spec.rollback_to, wished.number if wished else None}
    forgotten = {
        version.number
        for version in draft.status.versions
        if version.number not in kept_anyway and version.state is not VersionState.CANDIDATE
    }
    forgotten = set(sorted(forgotten)[:excess])
    if not forgotten:
        return draft
    return draft.with_status(versions=tuple(v for v in draft.status.versions if v.number not in forgotten))
