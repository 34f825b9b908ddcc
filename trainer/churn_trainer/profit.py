"""The expected maximum profit of a retention campaign that a churn model steers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.special import betainc

ALPHA, BETA = 6.0, 14.0
"""Beta distribution of the share of churners who accept the offer: 0.3 on average."""
CUSTOMER_LIFETIME_VALUE = 200.0
INCENTIVE_COST = 10.0
CONTACT_COST = 1.0


def expected_maximum_profit(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """EMPC, in currency a customer of the whole customer base.

    `positive` and `scores` have shape (n,). Targeting a share F0 of churners and F1 of the others
    earns `p0 (gamma (CLV - d) - f) F0 - p1 (d + f) F1`, where gamma is the unknown share of churners
    who accept, Beta(6, 14). For each gamma the best threshold is a vertex of the ROC convex hull, so the
    expectation over gamma is a finite sum of incomplete beta functions.

    Source: Verbraken, Verbeke, Baesens (2013), "A Novel Profit Maximizing Metric for Measuring
    Classification Performance of Customer Churn Prediction Models", IEEE TKDE 25(5), with its
    alpha 6, beta 14, CLV 200, d 10, f 1.
    """
    return profit_of_hull(*roc_convex_hull(positive, scores), float(np.mean(positive)))


def profit_of_hull(false_rate: NDArray[np.float64], true_rate: NDArray[np.float64], churn_share: float) -> float:
    """EMPC from the vertices of the ROC convex hull, both shape (k,), and the share of churners."""
    bounds = _acceptance_bounds(false_rate, true_rate, churn_share)
    mass = np.diff(betainc(ALPHA, BETA, bounds))
    mean = ALPHA / (ALPHA + BETA) * np.diff(betainc(ALPHA + 1, BETA, bounds))
    gain = churn_share * true_rate * ((CUSTOMER_LIFETIME_VALUE - INCENTIVE_COST) * mean - CONTACT_COST * mass)
    cost = (1 - churn_share) * false_rate * (INCENTIVE_COST + CONTACT_COST) * mass
    return float(np.sum(gain - cost))


def roc_convex_hull(
    positive: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates of the upper convex hull's vertices, each shape (k,), from (0, 0) to (1, 1)."""
    groups = np.unique(-scores, return_inverse=True)[1]
    counts = np.bincount(groups).astype(np.float64)
    positives = np.bincount(groups, weights=positive).astype(np.float64)
    return hull_of_counts(positives, counts - positives)


def hull_of_counts(
    positives: NDArray[np.float64], negatives: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same from the positives and negatives at each distinct score, both shape (g,), highest score first.

    The segments of the hull are the blocks that pooling adjacent violators makes of the shares of positives.
    Source: Fawcett, Niculescu-Mizil (2007), "PAV and the ROC convex hull", Machine Learning 68.
    """
    counts = positives + negatives
    seen = counts > 0
    shares = positives[seen] / counts[seen]
    starts = isotonic_regression(shares, weights=counts[seen], increasing=False).blocks[:-1]
    rates = [np.add.reduceat(part[seen], starts).cumsum() / part.sum() for part in (negatives, positives)]
    return np.insert(rates[0], 0, 0.0), np.insert(rates[1], 0, 0.0)


def _acceptance_bounds(
    false_rate: NDArray[np.float64], true_rate: NDArray[np.float64], churn_share: float
) -> NDArray[np.float64]:
    """Where the best vertex changes: vertex i is best for gamma between bounds i and i + 1, shape (k + 1,)."""
    with np.errstate(divide="ignore"):
        slope = np.diff(false_rate) / np.diff(true_rate)
    odds = (1 - churn_share) / churn_share
    change = ((INCENTIVE_COST + CONTACT_COST) * odds * slope + CONTACT_COST) / (
        CUSTOMER_LIFETIME_VALUE - INCENTIVE_COST
    )
    return np.concatenate([[0.0], np.clip(change, 0, 1), [1.0]])
