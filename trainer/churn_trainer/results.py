"""What train and evaluate find, as they hand it on; free of scikit-learn, so that publish starts fast."""

from __future__ import annotations

from churn_report import CalibrationBin, Comparison, ConfusionMatrix, Curve
from pydantic import BaseModel, ConfigDict

from churn_trainer.hyperparameters import HyperparameterValue


class Training(BaseModel):
    """What was chosen and how it did on the training part, out of fold."""

    model_config = ConfigDict(frozen=True)

    algorithm: str
    hyperparameters: dict[str, HyperparameterValue]
    roc_auc: float
    calibration_error: float


class Evaluation(BaseModel):
    """What the holdout says of the model; `comparison` is set when the request names a champion."""

    model_config = ConfigDict(frozen=True)

    metrics: dict[str, float]
    roc: Curve
    calibration: tuple[CalibrationBin, ...]
    confusion: ConfusionMatrix
    comparison: Comparison | None = None
