"""report.json: what a training run found, and the only thing the operator reads of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from churn_report.comparison import Comparison


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcome(StrEnum):
    """How the run ended."""

    SUCCEEDED = "Succeeded"
    REJECTED = "Rejected"


class Failure(_Frozen):
    """Why the run refused to make a model, in words for the person who owns the data."""

    step: str = Field(description="Pipeline step: validate, preprocess, train, evaluate or publish.")
    reason: str = Field(description="CamelCase reason, e.g. MissingColumn, SingleClass, TargetLeaked.")
    message: str = Field(description="A sentence that names the column and, where there is one, the row.")


class Artifact(_Frozen):
    """One file of the run, by its path relative to the output URI."""

    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class DatasetSummary(_Frozen):
    """What was read."""

    uri: str
    digest: str
    rows: int = Field(ge=0)
    train_rows: int = Field(ge=0)
    holdout_rows: int = Field(ge=0)
    positive_share: float = Field(ge=0, le=1)
    holdout_sha256: str = Field(description="sha256 over the sorted holdout ids: same value, same holdout.")


class Curve(_Frozen):
    """A curve as arrays of equal length (ROC: x false positive rate, y true positive rate, at each threshold)."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    thresholds: tuple[float, ...]

    @model_validator(mode="after")
    def _each_point_is_whole(self) -> Curve:
        counts = {name: len(getattr(self, name)) for name in ("x", "y", "thresholds")}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{count} of {name}" for name, count in counts.items())
            raise ValueError(f"the curve has {told}: give every point one of each")
        return self


class CalibrationBin(_Frozen):
    """One equal-frequency bin of predicted probabilities on the holdout."""

    mean_predicted: float
    observed_share: float
    count: int


class ConfusionMatrix(_Frozen):
    """Counts on the holdout at `threshold`."""

    threshold: float
    true_negatives: int
    false_positives: int
    false_negatives: int
    true_positives: int


class Report(_Frozen):
    """Everything a run tells. `metrics` keys are camelCase: rocAuc, averagePrecision, brier,
    expectedCalibrationError, logLoss, accuracy, precision, recall, f1, liftTopDecile, empc, all of the
    holdout; crossValidationRocAuc and crossValidationCalibrationError, of the training part."""

    schema_version: int = Field(default=1, ge=1, le=1)
    outcome: Outcome
    failure: Failure | None = None
    key: str = Field(description="Training key the operator gave.")
    created: datetime
    code_version: str = Field(description="Version of the training code.")
    algorithm: str | None = None
    hyperparameters: dict[str, float | int | str | bool | None] = {}
    seed: int | None = None
    libraries: dict[str, str] = Field(default={}, description="Package versions the model was made with.")
    dataset: DatasetSummary | None = None
    metrics: dict[str, float] = {}
    roc: Curve | None = None
    calibration: tuple[CalibrationBin, ...] = ()
    confusion: ConfusionMatrix | None = None
    comparison: Comparison | None = Field(
        default=None, description="Against the model in service, if the run was told of one."
    )
    artifacts: tuple[Artifact, ...] = ()

    @model_validator(mode="after")
    def _outcome_and_content_agree(self) -> Report:
        if (self.outcome is Outcome.REJECTED) != (self.failure is not None):
            raise ValueError("a report carries a failure if, and only if, its outcome is Rejected")
        if self.outcome is Outcome.SUCCEEDED and not (self.metrics and self.artifacts and self.dataset):
            raise ValueError("a report of success carries dataset, metrics and artifacts")
        return self

    def sha256_of(self, path: str) -> str | None:
        """Digest of the artifact at `path` relative to the output URI; None if the report has none."""
        return next((artifact.sha256 for artifact in self.artifacts if artifact.path == path), None)
