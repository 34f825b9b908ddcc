"""Step 4: measures the model on the holdout and draws what it found."""

from __future__ import annotations

import joblib
from churn_report import Comparison

from churn_trainer import plots
from churn_trainer.champion import compare_with_champion
from churn_trainer.evaluate import evaluate as measure
from churn_trainer.evaluate import read_scores, score_holdout
from churn_trainer.folders import EvaluatedFolder, ModelFolder, PreparedFolder, ValidatedFolder
from churn_trainer.results import Evaluation


def evaluate(
    validated: ValidatedFolder, prepared: PreparedFolder, fitted: ModelFolder, evaluated: EvaluatedFolder
) -> Evaluation:
    """Measures the model on the holdout, also against the champion if there is one, and draws its plots."""
    evaluated.path.mkdir(parents=True, exist_ok=True)
    contract = validated.contract
    score_holdout(
        joblib.load(fitted.model), prepared.holdout, contract.columns, contract.positive_label, evaluated.scored
    )
    comparison = compare_with_champion(validated.request, contract, prepared.holdout, evaluated.scored)
    evaluation = measure(*read_scores(evaluated.scored), comparison)
    evaluated.evaluation_file.write_text(evaluation.model_dump_json())
    plots.draw_roc(evaluated.plot("roc"), evaluation.roc, evaluation.metrics["rocAuc"])
    plots.draw_calibration(
        evaluated.plot("calibration"), evaluation.calibration, evaluation.metrics["expectedCalibrationError"]
    )
    plots.draw_confusion(
        evaluated.plot("confusion"), evaluation.confusion, contract.negative_label, contract.positive_label
    )
    return evaluation


def shown_comparison(comparison: Comparison | None) -> dict[str, float | str]:
    """The comparison as Kubeflow's page shows it: each metric's difference and bounds, or why there are none."""
    if comparison is None:
        return {}
    if comparison.unavailable is not None:
        return {"unavailable": comparison.unavailable}
    shown: dict[str, float | str] = {"confidence": comparison.results[0].confidence, "rows": comparison.rows}
    for result in comparison.results:
        shown[f"{result.metric}Difference"] = result.difference
        shown[f"{result.metric}Lower"] = result.lower
        shown[f"{result.metric}Upper"] = result.upper
    return shown
