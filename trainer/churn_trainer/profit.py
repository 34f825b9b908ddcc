"""The expected maximum profit of a retention campaign that a churn model steers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc
from sklearn.metrics import roc_curve

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
    churn_share = float(np.mean(positive))
    false_rate, true_rate = roc_convex_hull(positive, scores)
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
    hull: list[tuple[float, float]] = []
    for point in zip(*roc_curve(positive, scores)[:2], strict=True):
        while len(hull) >= 2 and _turns_left(hull[-2], hull[-1], point):
            hull.pop()
        hull.append((float(point[0]), float(point[1])))
    vertices = np.array(hull)
    return vertices[:, 0], vertices[:, 1]


def _turns_left(first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]) -> bool:
    return (second[0] - first[0]) * (third[1] - first[1]) >= (second[1] - first[1]) * (third[0] - first[0])


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
