"""The encoding of business values. It is part of the fitted Pipeline, so training and serving cannot differ.

Only scikit-learn and numpy objects go into it: the pickle loads where no churn package is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from churn_report import Column, ColumnKind
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.utils import check_array

from churn_trainer.contract import numeric_categories

# What a blank arrives as: NaN and None in object rows, "" in all-string rows, " " in the original Telco file.
_BLANKS = (np.nan, None, "", " ")


class _Group(IntEnum):
    """Columns that are encoded alike, in the order of the encoded matrix."""

    TEXT_CATEGORY = 0
    NULLABLE_CATEGORY = 1
    NUMERIC_CATEGORY = 2
    NUMBER = 3
    NULLABLE_NUMBER = 4


def make_encoder(columns: Sequence[Column]) -> Pipeline:
    """A fitted transformer from raw rows to a float32 matrix.

    It takes a 2-D array-like in contract order, shape (n, columns): objects, or text throughout,
    which is what `np.array` makes of mixed rows. It answers shape (n, columns) in the order of
    `encoded_columns`: categories as codes, then numbers. A blank where the contract allows one
    becomes a category of its own, or the number column's minimum (0 if it has none). Raises
    ValueError for an unknown category, for text that is no number, and for a blank where none is
    allowed.

    The encoder depends on the contract alone, never on data.
    """
    parts: list[tuple[str, Any, list[int]]] = []
    for group in _Group:
        members = [(position, column) for position, column in enumerate(columns) if _group_of(column) is group]
        parts.extend(_transformers(group, members))
    encoder = make_pipeline(
        FunctionTransformer(np.asarray, kw_args={"dtype": object}, validate=False), ColumnTransformer(parts)
    )
    return encoder.fit(_example_row(columns))


def encoded_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns in the order of the encoded matrix: categories first, then numbers."""
    return tuple(sorted(columns, key=_group_of))


def code_counts(columns: Sequence[Column]) -> tuple[int, ...]:
    """How many codes each leading category column of the encoded matrix has."""
    categories = [column for column in encoded_columns(columns) if column.kind is ColumnKind.CATEGORY]
    return tuple(len(column.categories) + column.nullable for column in categories)


def _group_of(column: Column) -> _Group:
    match column.kind:
        case ColumnKind.NUMBER:
            return _Group.NULLABLE_NUMBER if column.nullable else _Group.NUMBER
        case ColumnKind.CATEGORY:
            if column.nullable:
                return _Group.NULLABLE_CATEGORY
            return _Group.TEXT_CATEGORY if numeric_categories(column) is None else _Group.NUMERIC_CATEGORY


def _transformers(group: _Group, members: Sequence[tuple[int, Column]]) -> list[tuple[str, Any, list[int]]]:
    if not members:
        return []
    positions = [position for position, _ in members]
    columns = [column for _, column in members]
    match group:
        case _Group.TEXT_CATEGORY:
            return [("categories", _ordinal([list(column.categories) for column in columns]), positions)]
        case _Group.NULLABLE_CATEGORY:
            codes = _ordinal([[*column.categories, ""] for column in columns])
            return [("nullable_categories", make_pipeline(*_blanks_become(""), codes), positions)]
        case _Group.NUMERIC_CATEGORY:
            codes = _ordinal([np.sort(np.array(numeric_categories(column), dtype=np.float32)) for column in columns])
            return [("numeric_categories", make_pipeline(_to_numbers(), codes), positions)]
        case _Group.NUMBER:
            return [("numbers", _to_numbers(), positions)]
        case _Group.NULLABLE_NUMBER:
            return [
                (f"nullable_number_{position}", _nullable_number(column), [position]) for position, column in members
            ]


def _ordinal(categories: list[Any]) -> OrdinalEncoder:
    return OrdinalEncoder(categories=categories, dtype=np.float32)


def _nullable_number(column: Column) -> Pipeline:
    return make_pipeline(*_blanks_become(float(column.minimum or 0)), _to_numbers())


def _blanks_become(value: float | str) -> list[SimpleImputer]:
    return [
        SimpleImputer(missing_values=blank, strategy="constant", fill_value=value, keep_empty_features=True)
        for blank in _BLANKS
    ]


def _to_numbers() -> FunctionTransformer:
    return FunctionTransformer(check_array, kw_args={"dtype": "float32"}, validate=False)


def _example_row(columns: Sequence[Column]) -> NDArray[np.object_]:
    row = np.empty((1, len(columns)), dtype=object)
    row[0, :] = [column.categories[0] if column.categories else float(column.minimum or 0) for column in columns]
    return row
