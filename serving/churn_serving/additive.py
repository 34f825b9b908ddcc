"""A linear model over columns that are each encoded on their own, as one small function a column.

The log-odds of a logistic regression behind one-hot encoders, scalers, imputers and splines is a sum over
the columns. The function of a category column is a table, that of a number column a piecewise cubic whose
breaks are the splines' knots. Both are read off the fitted Pipeline by asking it, not by knowing its steps.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from churn_report import Column, ColumnKind, DataContract
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import SplineTransformer

from churn_serving.probing import object_matrix, reference_row
from churn_serving.validation import Row

# More points than a cubic needs: the Pipeline may compute in 32 bits, and its rounding averages out.
_NODES = np.cos(np.pi * (np.arange(24) + 0.5) / 24)
_LogOdds = Callable[[list[Row]], NDArray[np.float64]]


@dataclass(frozen=True)
class Piece:
    """A cubic in t = (x - center) / half_width; coefficients from the highest power down."""

    center: float
    half_width: float
    coefficients: tuple[float, float, float, float]


@dataclass(frozen=True)
class PiecewiseCubic:
    """A function of one number; piece i holds between breaks i - 1 and i.

    Numbers are rounded to 32-bit floats first, which is what the trainer's encoder does.
    """

    breaks: tuple[float, ...]
    pieces: tuple[Piece, ...]
    blank: float

    def __call__(self, number: float) -> float:
        """The column's share of the log-odds; NaN is a blank."""
        if number != number:
            return self.blank
        x = float(np.float32(number))
        piece = self.pieces[bisect_right(self.breaks, x)]
        t = (x - piece.center) / piece.half_width
        a, b, c, d = piece.coefficients
        return ((a * t + b) * t + c) * t + d


@dataclass(frozen=True)
class AdditiveModel:
    """Probability of the positive class of one row: the logistic function of base plus the columns' shares."""

    base: float
    shares: tuple[Callable[[Any], float], ...]

    def __call__(self, row: Row) -> float:
        """Score one row in contract order."""
        odds = self.base
        for share, value in zip(self.shares, row, strict=True):
            odds += share(value)
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0


def compile_additive(pipeline: Pipeline, contract: DataContract, positive_index: int) -> AdditiveModel:
    """Read the columns' functions off a Pipeline with a two-class `decision_function`.

    The result is wrong when the log-odds is no such sum: the caller compares it with the Pipeline.
    """
    sign = 1.0 if positive_index == 1 else -1.0
    reference = reference_row(contract)

    def log_odds(rows: list[Row]) -> NDArray[np.float64]:
        values: NDArray[np.float64] = sign * pipeline.decision_function(object_matrix(rows))
        return values

    base = float(log_odds([reference])[0])
    breaks = _merged(sorted(set(_knots(pipeline))))

    def with_value(index: int, value: Any) -> Row:
        return [*reference[:index], value, *reference[index + 1 :]]

    def share(index: int, column: Column) -> Callable[[Any], float]:
        def ask(values: list[Any]) -> NDArray[np.float64]:
            return log_odds([with_value(index, value) for value in values]) - base

        match column.kind:
            case ColumnKind.CATEGORY:
                return _table(column, ask).__getitem__
            case ColumnKind.NUMBER:
                return _piecewise_cubic(column, breaks, ask)

    return AdditiveModel(base, tuple(share(index, column) for index, column in enumerate(contract.columns)))


def _table(column: Column, ask: Callable[[list[Any]], NDArray[np.float64]]) -> Mapping[str | None, float]:
    values: list[str | None] = [*column.categories, *((None,) if column.nullable else ())]
    return dict(zip(values, ask(values).tolist(), strict=True))


def _piecewise_cubic(
    column: Column, breaks: list[float], ask: Callable[[list[Any]], NDArray[np.float64]]
) -> PiecewiseCubic:
    spans = _spans(column, breaks)
    points = [[float(np.float32(center + half_width * node)) for node in _NODES] for center, half_width in spans]
    answers = ask([point for piece in points for point in piece]).reshape(len(spans), len(_NODES))
    pieces = []
    for (center, half_width), at, values in zip(spans, points, answers, strict=True):
        fitted = np.polyfit((np.array(at) - center) / half_width, values, 3)
        # A number may lie far beyond what was asked where the contract has no bound: there, rounding would be cubed.
        fitted[np.abs(fitted) < 1e-9 * max(1.0, float(np.abs(values).max()))] = 0.0
        a, b, c, d = fitted.tolist()
        pieces.append(Piece(center, half_width, (a, b, c, d)))
    blank = float(ask([math.nan])[0]) if column.nullable else math.nan
    return PiecewiseCubic(tuple(breaks), tuple(pieces), blank)


def _spans(column: Column, breaks: list[float]) -> list[tuple[float, float]]:
    """Center and half width of every piece; the outer pieces reach to the contract's bounds."""
    low = column.minimum if column.minimum is not None else min([0.0, *breaks]) - 1000.0
    high = column.maximum if column.maximum is not None else max([0.0, *breaks]) + 1000.0
    if not breaks:
        edges = [low, max(high, low + 1.0)]
    else:
        edges = [min(low, breaks[0] - 1.0), *breaks, max(high, breaks[-1] + 1.0)]
    return [((left + right) / 2, (right - left) / 2) for left, right in pairwise(edges)]


def _knots(estimator: Any) -> Iterator[float]:
    match estimator:
        case Pipeline():
            for _, step in estimator.steps:
                yield from _knots(step)
        case ColumnTransformer():
            for _, transformer, _ in estimator.transformers_:
                yield from _knots(transformer)
        case SplineTransformer():
            for spline in estimator.bsplines_:
                yield from spline.t[spline.k : -spline.k].tolist()


def _merged(knots: list[float]) -> list[float]:
    # Columns share one list of breaks, and two columns' knots may all but coincide. A spline is smooth
    # at its knots, so a break that is a hair off changes nothing that a probability shows.
    kept: list[float] = []
    for knot in knots:
        if not kept or knot - kept[-1] > 1e-5 * max(1.0, abs(knot)):
            kept.append(knot)
    return kept
