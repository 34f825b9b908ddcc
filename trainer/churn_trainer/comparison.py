"""Candidate against champion on the same holdout rows: by how much the candidate is better, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from churn_report import LOWER_IS_BETTER, Comparison, MetricComparison
from numpy.typing import NDArray

from churn_trainer.calibration_bounds import bin_noise, widened
from churn_trainer.metrics import all_metrics
from churn_trainer.resampling import Ranking, draw_counts
from churn_trainer.threads import worthwhile_threads

FEWEST_ROWS = 100
FEWEST_OF_A_CLASS = 20
"""Below these a percentile of the bootstrap says little, and a resample could miss a class."""

_Value = TypeVar("_Value", float, NDArray[np.float64])
_FEWEST_RESAMPLES = 2000
# Resamples beyond the bound itself: a percentile that rests on fewer is noise.
_BEYOND_BOUND = 10


@dataclass(frozen=True)
class SharedRows:
    """The holdout's truth and both models' probabilities of the positive class, row by row, each shape (n,)."""

    positive: NDArray[np.bool_]
    candidate: NDArray[np.float64]
    champion: NDArray[np.float64]


def compare(
    rows: SharedRows, champion_sha256: str, confidence: float, seed: int, resamples: int | None = None
) -> Comparison:
    """Every metric of the report with bounds of the difference, or why the rows do not allow it.

    `confidence`, from 0.5 up to below 1, is that of each bound on its own: the lower bound decides
    non-inferiority. The bounds are percentiles of a paired bootstrap: each resample draws customers with
    replacement, not stratified by class, because the share of churners is as much a matter of chance as
    their scores; both models are measured on the same drawn customers, so what is hard for both cancels out.
    Source: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapters 13 and 16. Only those of
    the calibration error are built otherwise, see `calibration_bounds`. `resamples` is, if not given, what
    `resamples_for` says. The same seed gives the same bounds.
    """
    total, rarer = len(rows.positive), min(int(rows.positive.sum()), int((~rows.positive).sum()))
    if total < FEWEST_ROWS or rarer < FEWEST_OF_A_CLASS:
        return Comparison(
            champion_sha256=champion_sha256,
            unavailable=f"the holdout has {total} rows, and {rarer} of the rarer class, where at least "
            f"{FEWEST_ROWS} and {FEWEST_OF_A_CLASS} are needed",
        )
    candidate, champion = (all_metrics(rows.positive, scores) for scores in (rows.candidate, rows.champion))
    resamples = resamples or resamples_for(confidence)
    results = []
    for metric, gains in bootstrap_gains(rows, resamples, seed).items():
        difference = _gain(metric, candidate[metric], champion[metric])
        lower, upper = _bounds(metric, difference, gains, confidence, rows)
        results.append(
            MetricComparison(
                metric=metric,
                candidate=candidate[metric],
                champion=champion[metric],
                difference=difference,
                lower=lower,
                upper=upper,
                confidence=confidence,
            )
        )
    return Comparison(champion_sha256=champion_sha256, rows=total, resamples=resamples, results=tuple(results))


def _bounds(
    metric: str, difference: float, gains: NDArray[np.float64], confidence: float, rows: SharedRows
) -> tuple[float, float]:
    lower, upper = map(float, np.quantile(gains, [1 - confidence, confidence]))
    if metric != "expectedCalibrationError":
        return lower, upper
    bias = float(np.mean(gains)) - difference
    noise = max(bin_noise(rows.positive, scores) for scores in (rows.candidate, rows.champion))
    return widened(lower - bias, upper - bias, noise)


def resamples_for(confidence: float) -> int:
    """How many resamples bound a difference with this confidence: 2,000, and more above 0.995."""
    return max(_FEWEST_RESAMPLES, math.ceil(round(_BEYOND_BOUND / (1 - confidence), 6)))


def bootstrap_gains(rows: SharedRows, resamples: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """For each metric by how much the candidate is better in each resample, shape (resamples,).

    Resamples without customers of both classes, one in many millions, are left out.
    """
    candidate, champion = Ranking(rows.positive, rows.candidate), Ranking(rows.positive, rows.champion)
    gains: dict[str, list[NDArray[np.float64]]] = {}
    with worthwhile_threads(len(rows.positive)):
        for drawn in draw_counts(len(rows.positive), resamples, seed):
            positives = drawn @ rows.positive
            counts = drawn[(positives > 0) & (positives < len(rows.positive))]
            ours, theirs = candidate.metrics(counts), champion.metrics(counts)
            for metric, values in ours.items():
                gains.setdefault(metric, []).append(_gain(metric, values, theirs[metric]))
    return {metric: np.concatenate(parts) for metric, parts in gains.items()}


def _gain(metric: str, candidate: _Value, champion: _Value) -> _Value:
    return champion - candidate if metric in LOWER_IS_BETTER else candidate - champion
