"""A status with every field set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelStatus, Condition, ConditionStatus, Phase
from churn_operator.api.v1alpha1.rollout import HookType
from churn_operator.api.v1alpha1.status import (
    AbandonedTraining,
    AnalysisStatus,
    ChampionStatus,
    CheckStatus,
    Confirmation,
    DatasetStatus,
    DeletionStatus,
    GateCheck,
    GateResult,
    ModelChange,
    PipelineStatus,
    RejectedKey,
    RolloutStatus,
    ServingStatus,
    StepStatus,
    TrainingState,
    TrainingStatus,
    Verdict,
    Version,
    VersionState,
)

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ROOT = "s3://mlops-artifacts/models/team/churn"


def _minutes(count: int) -> datetime:
    return NOON + timedelta(minutes=count)


def version(number: int, state: VersionState) -> Version:
    """A version that was made `number` hours after noon."""
    made = _minutes(60 * number)
    return Version(
        number=number,
        key=f"{number}" * 64,
        state=state,
        model_uri=f"{ROOT}/{number}/1/model",
        output_uri=f"{ROOT}/{number}/1",
        sha256="ab" * 32,
        dataset_digest="cd" * 32,
        pipeline="ba" * 32,
        run_id=f"run-{number}",
        image="ghcr.io/churnops/churn-trainer:0.1.0",
        algorithm="logisticRegression",
        metrics={"rocAuc": 0.8451, "brier": 0.1356},
        gate=(
            GateResult(
                metric="rocAuc",
                check=GateCheck.CHAMPION,
                value=0.0012,
                minimum=-0.005,
                maximum=0.9,
                lower=-0.0031,
                upper=0.0055,
                confidence=0.95,
                passed=True,
                reason="NotInferior",
                message="rocAuc is 0.8451 against 0.8439.",
            ),
        ),
        revision=f"churn-predictor-0000{number}",
        created=made,
        promoted=made + timedelta(minutes=10),
        retired=made + timedelta(minutes=20),
        reason="It fell behind.",
    )


ANALYSIS = AnalysisStatus(
    verdict=Verdict.INCONCLUSIVE,
    checks=(
        CheckStatus(
            name="errorRatio",
            verdict=Verdict.INCONCLUSIVE,
            reason="MayBeChance",
            value=0.0123,
            threshold=0.005,
            samples=240,
            p_value=0.31,
            message="Errors are 2.33% of the candidate's requests.",
        ),
    ),
    looks=4,
    failed=1,
    inconclusive_since=_minutes(13),
    error_since=_minutes(14),
    last_run=_minutes(15),
    baked=True,
)

CONDITIONS = tuple(
    Condition(
        type=kind.value,
        status=ConditionStatus.TRUE if kind is ConditionType.READY else ConditionStatus.FALSE,
        observed_generation=7,
        last_transition_time=_minutes(place),
        reason="AsExpected",
        message=f"A sentence about {kind.value}.",
    )
    for place, kind in enumerate(ConditionType)
)

FULL = ChurnModelStatus(
    observed_generation=7,
    phase=Phase.ROLLING_OUT,
    conditions=CONDITIONS,
    dataset=DatasetStatus(digest="cd" * 32, adopted=NOON, fingerprint="ef" * 32, pipeline="ba" * 32, key="2" * 64),
    pipeline=PipelineStatus(
        digest="ba" * 32, fingerprint="ef" * 32, inputs=("key", "output_uri"), steps=("train",), adopted=NOON
    ),
    training=TrainingStatus(
        key="2" * 64,
        dataset_digest="cd" * 32,
        attempt=1,
        failures=1,
        state=TrainingState.SUCCEEDED,
        run_name="churn-2222222222-1",
        run_id="run-2",
        run_url="http://kfp/runs/run-2",
        output_uri=f"{ROOT}/2/1",
        champion=ChampionStatus(version=1, model_uri=f"{ROOT}/1/1/model", sha256="ab" * 32, confidence=0.95),
        requested=_minutes(1),
        started=_minutes(2),
        finished=_minutes(9),
        retry_after=_minutes(30),
        reason="PodEvicted",
        last_error="The node was drained.",
    ),
    versions=(version(1, VersionState.STABLE), version(2, VersionState.CANDIDATE)),
    latest_version=2,
    rollout=RolloutStatus(
        stable=1,
        candidate=2,
        step=1,
        weight=50,
        mirror=20,
        started=_minutes(10),
        step_requested=_minutes(11),
        step_started=_minutes(12),
        steps=(
            StepStatus(step=0, weight=0, mirror=20, started=_minutes(10), ended=_minutes(11)),
            StepStatus(step=1, weight=50, mirror=5, started=_minutes(12), ended=_minutes(13)),
        ),
        paused=True,
        promoting=True,
        approved=1,
        awaiting="Approval",
        confirmed=(Confirmation(type=HookType.CONFIRM_ROLLOUT, step=0),),
        analysis=ANALYSIS,
    ),
    serving=ServingStatus(
        driver="knative",
        changes=(ModelChange(uri=f"{ROOT}/2/1/model", previous_revision="churn-predictor-00001"),),
    ),
    abandoned=(AbandonedTraining(key="8" * 64, attempt=2),),
    rejected_keys=(RejectedKey(key="9" * 64, reason="GateFailed", message="rocAuc 0.7 is below 0.8.", time=NOON),),
    consumed={"approve": "2", "pause": "2026-03-01T12:00:00Z"},
    deletion=DeletionStatus(started=_minutes(99), gave_up=("run run-1",)),
    next_run=_minutes(600),
    drift="None",
    traffic="v1 50%, v2 50%",
    roc_auc="0.845",
    url="http://churn.team.example.com",
)
