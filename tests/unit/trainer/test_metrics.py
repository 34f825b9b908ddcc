"""Metrics against scikit-learn, hand values and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from churn_trainer import metrics
from churn_trainer.profit import expected_maximum_profit, roc_convex_hull
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.unit

METRIC_NAMES = {
    "rocAuc",
    "averagePrecision",
    "brier",
    "expectedCalibrationError",
    "logLoss",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "liftTopDecile",
    "empc",
}


def _truth_and_scores(seed: int, rows: int = 400) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    scores = random.beta(1, 3, rows)
    return random.random(rows) < scores, scores


def test_hand_values() -> None:
    positive = np.array([True, True, False, False])
    scores = np.array([0.9, 0.4, 0.6, 0.1])

    values = metrics.all_metrics(positive, scores)

    assert values.keys() == METRIC_NAMES
    assert values["rocAuc"] == pytest.approx(0.75)
    assert values["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert values["accuracy"] == values["precision"] == values["recall"] == values["f1"] == 0.5
    assert values["liftTopDecile"] == pytest.approx(2.0)
    # Four bins of one customer each.
    assert values["expectedCalibrationError"] == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)


def test_calibration_error_sees_a_constant_shift() -> None:
    positive = np.tile([True, False, False, False], 250)

    assert metrics.expected_calibration_error(positive, np.full(1000, 0.25)) == pytest.approx(0, abs=1e-12)
    assert metrics.expected_calibration_error(positive, np.full(1000, 0.40)) == pytest.approx(0.15)


def test_bins_hold_everyone_once_and_rise() -> None:
    positive, scores = _truth_and_scores(1, rows=403)

    bins = metrics.calibration_bins(positive, scores)

    assert sum(entry.count for entry in bins) == 403
    assert [entry.mean_predicted for entry in bins] == sorted(entry.mean_predicted for entry in bins)


def test_confusion_counts_at_the_threshold() -> None:
    # The model server answers the positive label above one half, and not at it.
    matrix = metrics.confusion(np.array([True, True, False, False, False]), np.array([0.51, 0.5, 0.6, 0.5, 0.2]))

    assert (matrix.true_positives, matrix.false_negatives) == (1, 1)
    assert (matrix.false_positives, matrix.true_negatives) == (1, 2)


def test_the_thinned_curve_keeps_ends_and_area() -> None:
    positive, scores = _truth_and_scores(2, rows=20_000)

    curve = metrics.roc(positive, scores)

    assert len(curve.x) == len(curve.y) == len(curve.thresholds) <= 200
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert np.isfinite(curve.thresholds).all()
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(roc_auc_score(positive, scores), abs=0.002)


def _brute_force_profit(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """For each of many acceptance rates the best cut-off by trying all of them, averaged over Beta(6, 14)."""
    order = np.argsort(-scores)
    churners = np.concatenate([[0], np.cumsum(positive[order])]) / len(scores)
    others = np.concatenate([[0], np.cumsum(~positive[order])]) / len(scores)
    grid = (np.arange(4000) + 0.5) / 4000
    profit = (grid[:, None] * (200 - 10) - 1) * churners - (10 + 1) * others
    return float(np.mean(beta(6, 14).pdf(grid) * profit.max(axis=1)))


@pytest.mark.parametrize("seed", range(5))
def test_expected_maximum_profit_is_what_trying_every_threshold_finds(seed: int) -> None:
    positive, scores = _truth_and_scores(seed)

    assert expected_maximum_profit(positive, scores) == pytest.approx(_brute_force_profit(positive, scores), rel=1e-4)


def test_expected_maximum_profit_of_a_perfect_model_is_the_closed_form() -> None:
    positive = np.array([True] * 30 + [False] * 70)

    # All churners are targeted and nobody else: 0.3 * (0.3 * 190 - 1), but for the rare gamma < 1/190.
    assert expected_maximum_profit(positive, positive.astype(float)) == pytest.approx(0.3 * (0.3 * 190 - 1), rel=1e-6)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=4, max_size=60), st.floats(0.1, 3))
def test_profit_depends_on_the_ranking_alone_and_never_loses(rows: list[tuple[bool, float]], power: float) -> None:
    positive = np.array([True, False, *(row[0] for row in rows)])
    scores = np.round(np.array([0.5, 0.5, *(row[1] for row in rows)]), 3)

    profit = expected_maximum_profit(positive, scores)

    assert profit >= 0
    ranks = np.unique(scores, return_inverse=True)[1].astype(float) ** power
    assert profit == pytest.approx(expected_maximum_profit(positive, ranks), abs=1e-9)
    false_rate, true_rate = roc_convex_hull(positive, scores)
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)
