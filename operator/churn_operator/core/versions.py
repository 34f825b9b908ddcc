"""Version records: made from a report, judged by the gate, forgotten by age."""

from __future__ import annotations

from churn_report import ArtifactLayout, Report

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus
from churn_operator.api.v1alpha1.status import TrainingStatus, Version, VersionState
from churn_operator.core import gate
from churn_operator.core.draft import AT_ONCE, Draft


def record_version(draft: Draft, training: TrainingStatus, report: Report) -> Draft:
    """Give a trained model its number and the gate's verdict."""
    number = draft.status.latest_version + 1
    results = gate.verdict(draft.spec.evaluation, report.metrics)
    version = Version(
        number=number,
        key=training.key,
        state=VersionState.CANDIDATE,
        model_uri=ArtifactLayout(training.output_uri).model_uri,
        output_uri=training.output_uri,
        sha256=report.sha256_of("model/model.joblib") or "",
        dataset_digest=training.dataset_digest,
        run_id=training.run_id or "",
        image=draft.spec.training.image or draft.observation.installation.trainer_image,
        algorithm=report.algorithm or "",
        metrics=report.metrics,
        gate=results,
        created=draft.now,
    )
    area = report.metrics.get("rocAuc")
    message = f"version {number} by run {training.run_name}" + (f", ROC AUC {area:.4f}" if area is not None else "")
    draft = draft.with_status(latest_version=number).with_version(version)
    draft = draft.find(ConditionType.TRAINED, ConditionStatus.TRUE, "ModelTrained", message)
    draft = draft.tell("ModelTrained", message).look_again(AT_ONCE)
    return _pass(draft, version) if gate.passed(results) else _reject(draft, version)


def _pass(draft: Draft, version: Version) -> Draft:
    message = f"version {version.number} met {len(version.gate)} thresholds"
    return draft.find(ConditionType.GATE_PASSED, ConditionStatus.TRUE, "GatePassed", message).tell(
        "GatePassed", message
    )


def _reject(draft: Draft, version: Version) -> Draft:
    why = gate.explanation(version.gate)
    message = f"version {version.number} is not served: {why}"
    rejected = version.model_copy(
        update={"state": VersionState.REJECTED, "retired": draft.now, "reason": f"GateRejected: {why}"}
    )
    draft = draft.with_version(rejected).reject_key(version.key, "GateRejected", message)
    draft = draft.find(ConditionType.GATE_PASSED, ConditionStatus.FALSE, "GateRejected", message)
    return draft.warn("GateRejected", message)


def forget_old_versions(draft: Draft) -> Draft:
    """Keep the newest versions up to the limit, and always those in service, on their way or pinned."""
    rollout = draft.status.rollout
    kept_anyway = {rollout.stable, rollout.candidate, draft.spec.rollback_to}
    excess = len(draft.status.versions) - draft.spec.history.limit
    forgotten = {
        version.number
        for version in draft.status.versions
        if version.number not in kept_anyway and version.state is not VersionState.CANDIDATE
    }
    forgotten = set(sorted(forgotten)[: max(excess, 0)])
    if not forgotten:
        return draft
    return draft.with_status(versions=tuple(v for v in draft.status.versions if v.number not in forgotten))
