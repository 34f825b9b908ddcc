"""Condition types, and setting conditions so that their times move only on a change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from churn_operator.api.v1alpha1.status import Condition, ConditionStatus


class ConditionType(StrEnum):
    """The aspects the operator reports on. Ready, Reconciling and Stalled are kstatus'."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    DATASET_READY = "DatasetReady"
    PIPELINE_READY = "PipelineReady"
    TRAINED = "Trained"
    GATE_PASSED = "GatePassed"
    SERVED = "Served"
    CANARY_HEALTHY = "CanaryHealthy"
    DRIFT_DETECTED = "DriftDetected"


@dataclass(frozen=True)
class Finding:
    """What a pass found about one aspect, before it is dated."""

    type: ConditionType
    status: ConditionStatus
    reason: str
    message: str


def dated(finding: Finding, before: Condition | None, generation: int, now: datetime) -> Condition:
    """The condition of a finding: lastTransitionTime moves only when the status does."""
    unchanged = before is not None and before.status is finding.status
    return Condition(
        type=finding.type.value,
        status=finding.status,
        observed_generation=generation,
        last_transition_time=before.last_transition_time if unchanged and before else now,
        reason=finding.reason,
        message=finding.message,
    )
