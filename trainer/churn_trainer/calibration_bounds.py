"""Bounds for a difference of expected calibration errors, which chance inflates more for the better model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from churn_trainer.metrics import CALIBRATION_BINS


def bin_noise(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Mean standard error of a bin's observed share, from the truth and the scores, both shape (n,)."""
    order = np.argsort(scores, kind="stable")
    shares = [(np.mean(positive[bin_]), len(bin_)) for bin_ in np.array_split(order, min(CALIBRATION_BINS, len(order)))]
    return float(np.mean([math.sqrt(share * (1 - share) / count) for share, count in shares]))


def widened(lower: float, upper: float, noise: float) -> tuple[float, float]:
    """The bounds of the true difference from those of the measured one.

    A bin whose true distance is u shows E|N(u, noise^2)| on average: much more than 0 for u = 0, hardly more
    than u for a large u. So the measured difference of a well and a badly calibrated model is too small,
    and percentiles of the bootstrap, which adds the noise once more, are worse: with 1,409 rows and a difference of
    .04 their bounds hold in half of the samples where .95 is claimed. The most that can have been hidden
    is what hides when the better model is perfect and the other one is off by as much in each bin (by Jensen's
    inequality, the mean of |N| being convex in u); undoing that gives bounds that hold, and 0 stays 0.
    Source: the bias is Bröcker's (2012), "Estimating reliability and resolution of probability forecasts",
    Climate Dynamics 39; the mean is that of Leone, Nelson, Nottingham (1961), "The Folded Normal Distribution".
    """
    return min(lower, -_unhidden(-lower, noise)), max(upper, _unhidden(upper, noise))


def _unhidden(measured: float, noise: float) -> float:
    """The true distance per bin that shows as `measured` more than a distance of 0 does."""
    if measured <= 0 or noise == 0:
        return measured
    shown = measured + _mean_distance(0, noise)
    return float(brentq(lambda true: _mean_distance(true, noise) - shown, 0, shown))


def _mean_distance(true: float, noise: float) -> float:
    """E|N(true, noise^2)|."""
    density = math.sqrt(2 / math.pi) * math.exp(-((true / noise) ** 2) / 2)
    return noise * density + true * (1 - 2 * float(ndtr(-true / noise)))
