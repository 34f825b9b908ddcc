"""Step 4: measures the model on the holdout and draws what it found."""

from __future__ import annotations

import joblib

from churn_trainer import plots
from churn_trainer.evaluate import evaluate as measure
from churn_trainer.evaluate import read_scores, score_holdout
from churn_trainer.folders import EvaluatedFolder, ModelFolder, PreparedFolder, ValidatedFolder
from churn_trainer.results import Evaluation


def evaluate(
    validated: ValidatedFolder, prepared: PreparedFolder, fitted: ModelFolder, evaluated: EvaluatedFolder
) -> Evaluation:
    """Measures the model on the holdout and draws its plots."""
    evaluated.path.mkdir(parents=True, exist_ok=True)
    contract = validated.contract
    score_holdout(
        joblib.load(fitted.model), prepared.holdout, contract.columns, contract.positive_label, evaluated.scored
    )
    evaluation = measure(*read_scores(evaluated.scored))
    evaluated.evaluation_file.write_text(evaluation.model_dump_json())
    plots.draw_roc(evaluated.plot("roc"), evaluation.roc, evaluation.metrics["rocAuc"])
    plots.draw_calibration(
        evaluated.plot("calibration"), evaluation.calibration, evaluation.metrics["expectedCalibrationError"]
    )
    plots.draw_confusion(
        evaluated.plot("confusion"), evaluation.confusion, contract.negative_label, contract.positive_label
    )
    return evaluation
