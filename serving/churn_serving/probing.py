"""Rows made from the contract alone, to ask a fitted Pipeline with."""

from __future__ import annotations

import math
from random import Random

import numpy as np
from churn_report import Column, ColumnKind, DataContract
from numpy.typing import NDArray

from churn_serving.validation import Row


def object_matrix(rows: list[Row]) -> NDArray[np.object_]:
    """Rows as the Pipeline takes them: an object array of shape (n, columns)."""
    values = np.empty((len(rows), len(rows[0])), dtype=object)
    values[:] = rows
    return values


def reference_row(contract: DataContract) -> Row:
    """First categories, and zero for every number, whatever its bounds."""
    return [column.categories[0] if column.kind is ColumnKind.CATEGORY else 0.0 for column in contract.columns]


def random_rows(contract: DataContract, count: int) -> list[Row]:
    """Valid rows that vary in every column, blanks included; the same ones every time."""
    random = Random(20)
    return [[_value(column, random) for column in contract.columns] for _ in range(count)]


def _value(column: Column, random: Random) -> str | float | None:
    blank = column.nullable and random.random() < 0.1
    match column.kind:
        case ColumnKind.CATEGORY:
            return None if blank else random.choice(column.categories)
        case ColumnKind.NUMBER:
            return math.nan if blank else _number(column, random)


def _number(column: Column, random: Random) -> float:
    lowest, highest = column.bounds
    low = -1000.0 if column.minimum is None else lowest
    high = max(1000.0, low + 1000.0) if column.maximum is None else highest
    # Bounds are generous and data is near the lower one: a power spreads the probes over magnitudes.
    number = low + (high - low) * random.random() ** random.choice((1, 4, 8))
    rounded = round(number, random.choice((0, 2)))
    return float(rounded) if low <= rounded <= high else number
