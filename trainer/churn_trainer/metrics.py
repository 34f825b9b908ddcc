"""How good scores are: metrics, curves and calibration, from the truth and the predicted probabilities."""

from __future__ import annotations

import numpy as np
from churn_report import CalibrationBin, ConfusionMatrix, Curve
from numpy.typing import NDArray
from sklearn import metrics as sk

from churn_trainer.profit import expected_maximum_profit

DECISION_THRESHOLD = 0.5
"""Probability above which the model answers the positive class, as the model server does."""

CALIBRATION_BINS = 10
"""Bins of equally many customers that calibration is measured in."""

_CURVE_POINTS = 200
_TOP_SHARE = 0.1


def all_metrics(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> dict[str, float]:
    """Every metric of the report by its camelCase name; both inputs have shape (n,), scores in [0, 1]."""
    decided = scores > DECISION_THRESHOLD
    values = {
        "rocAuc": sk.roc_auc_score(positive, scores),
        "averagePrecision": sk.average_precision_score(positive, scores),
        "brier": sk.brier_score_loss(positive, scores),
        "expectedCalibrationError": expected_calibration_error(positive, scores),
        "logLoss": sk.log_loss(positive, scores, labels=[False, True]),
        "accuracy": sk.accuracy_score(positive, decided),
        "precision": sk.precision_score(positive, decided, zero_division=0.0),
        "recall": sk.recall_score(positive, decided, zero_division=0.0),
        "f1": sk.f1_score(positive, decided, zero_division=0.0),
        "liftTopDecile": lift_top_decile(positive, scores),
        "empc": expected_maximum_profit(positive, scores),
    }
    return {name: float(value) for name, value in values.items()}


def calibration_bins(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[CalibrationBin, ...]:
    """Ten bins of equally many customers, by rising score."""
    order = np.argsort(scores, kind="stable")
    return tuple(
        CalibrationBin(
            mean_predicted=float(np.mean(scores[members])),
            observed_share=float(np.mean(positive[members])),
            count=len(members),
        )
        for members in np.array_split(order, min(CALIBRATION_BINS, len(order)))
    )


def expected_calibration_error(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Mean distance of predicted and observed share over ten equal-frequency bins, weighted by their counts.

    Source: Naeini, Cooper, Hauskrecht (2015), "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", AAAI; with equal-frequency bins as Nixon et al. (2019), "Measuring Calibration in Deep Learning".
    Of n customers even perfect probabilities show about 0.25 * sqrt(10 / n) by chance.
    """
    bins = calibration_bins(positive, scores)
    distance = sum(entry.count * abs(entry.mean_predicted - entry.observed_share) for entry in bins)
    return distance / len(scores)


def lift_top_decile(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Share of positives among the tenth with the highest scores, over the share among all."""
    top = np.argsort(-scores, kind="stable")[: top_count(len(scores))]
    return float(np.mean(positive[top]) / np.mean(positive))


def top_count(rows: int) -> int:
    """How many customers are the top tenth: at least one."""
    return max(1, round(_TOP_SHARE * rows))


def roc(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Curve:
    """The ROC curve, thinned to at most 200 points; the first threshold is 1 where scikit-learn has infinity."""
    false_rate, true_rate, thresholds = sk.roc_curve(positive, scores)
    kept = np.unique(np.linspace(0, len(thresholds) - 1, min(_CURVE_POINTS, len(thresholds))).round().astype(int))
    return Curve(
        x=tuple(false_rate[kept].tolist()),
        y=tuple(true_rate[kept].tolist()),
        thresholds=tuple(np.minimum(thresholds[kept], 1.0).tolist()),
    )


def confusion(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> ConfusionMatrix:
    """Counts at the decision threshold."""
    (true_negatives, false_positives), (false_negatives, true_positives) = sk.confusion_matrix(
        positive, scores > DECISION_THRESHOLD, labels=[False, True]
    ).tolist()
    return ConfusionMatrix(
        threshold=DECISION_THRESHOLD,
        true_negatives=true_negatives,
        false_positives=false_positives,
        false_negatives=false_negatives,
        true_positives=true_positives,
    )
