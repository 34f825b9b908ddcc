"""Contracts that a user declares, or else the built-in one of the Telco customer table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from churn_report import Column, ColumnKind, DataContract
from churn_report.telco import TELCO_COLUMNS
from pydantic import TypeAdapter, ValidationError

from churn_trainer.rejection import DataRejected, SpecRejected

_COUNTERPARTS = {"Yes": "No", "yes": "no", "1": "0", "true": "false", "True": "False", "TRUE": "FALSE", "Y": "N"}
# What gradient boosting can hold apart.
_MOST_CATEGORIES = 255


def parse_columns(columns: str) -> tuple[Column, ...]:
    """The feature columns from their JSON list; the Telco columns for the empty string.

    Raises SpecRejected (InvalidContract) when the list is no list of columns.
    """
    if not columns.strip():
        return TELCO_COLUMNS
    try:
        return TypeAdapter(tuple[Column, ...]).validate_json(columns)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the list"
        raise SpecRejected("InvalidContract", f"columns: {place}: {first['msg']}.") from error


def check_columns(columns: Sequence[Column], target: str, id_column: str) -> None:
    """Raises SpecRejected (InvalidContract) or DataRejected (TargetLeaked) for columns that contradict themselves."""
    if not columns:
        raise SpecRejected("InvalidContract", "columns is empty: declare at least one feature column.")
    repeated = [name for name, count in Counter(column.name for column in columns).items() if count > 1]
    if repeated:
        raise SpecRejected("InvalidContract", f"Column {repeated[0]} is declared more than once.")
    if target == id_column:
        raise SpecRejected("InvalidContract", f"Column {target} is both the target and the customer id.")
    for column in columns:
        _check_column(column, target, id_column)


def _check_column(column: Column, target: str, id_column: str) -> None:
    if column.name == target:
        raise DataRejected(
            "TargetLeaked", f"Column {target} is the target and a feature at once: remove it from the features."
        )
    if column.name == id_column:
        raise SpecRejected("InvalidContract", f"Column {id_column} is the customer id, so it cannot be a feature.")
    match column.kind:
        case ColumnKind.CATEGORY:
            _check_categories(column)
        case ColumnKind.NUMBER:
            if column.categories:
                raise SpecRejected("InvalidContract", f"Number column {column.name} declares categories.")
            if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
                raise SpecRejected(
                    "InvalidContract",
                    f"The minimum of column {column.name}, {column.minimum:g}, "
                    f"is above its maximum, {column.maximum:g}.",
                )


def _check_categories(column: Column) -> None:
    if not column.categories:
        raise SpecRejected("InvalidContract", f"Category column {column.name} declares no categories.")
    padded = [category for category in column.categories if not category or category != category.strip()]
    if padded:
        raise SpecRejected(
            "InvalidContract",
            f'Column {column.name} declares the category "{padded[0]}", which no value equals: values are '
            "read without blanks around them, and a blank is no category (set nullable to allow it).",
        )
    if len(set(column.categories)) != len(column.categories):
        raise SpecRejected("InvalidContract", f"Column {column.name} declares a category twice.")
    if len(column.categories) + column.nullable > _MOST_CATEGORIES:
        raise SpecRejected(
            "InvalidContract",
            f"Column {column.name} declares {len(column.categories)} categories: at most "
            f"{_MOST_CATEGORIES}, a blank included, are possible.",
        )


def numeric_categories(column: Column) -> tuple[float, ...] | None:
    """The categories as numbers if every one is a finite number ("0", "1"), else None.

    None too when 32-bit floats, which the encoder compares, do not tell them apart: such are codes of many digits.
    """
    try:
        numbers = tuple(float(category) for category in column.categories)
    except ValueError:
        return None
    with np.errstate(over="ignore"):
        encoded = np.array(numbers, dtype=np.float32)
    return numbers if len(numbers) and np.isfinite(encoded).all() and len(set(encoded)) == len(numbers) else None


def usual_counterpart(positive_label: str) -> str | None:
    """The label that usually stands beside `positive_label` ("No" beside "Yes"); None if unknown."""
    return _COUNTERPARTS.get(positive_label)


def make_contract(
    columns: Sequence[Column], *, target: str, id_column: str, positive_label: str, negative_label: str
) -> DataContract:
    """The contract that travels beside the model."""
    return DataContract(
        columns=tuple(columns),
        target=target,
        positive_label=positive_label,
        negative_label=negative_label,
        id_column=id_column,
    )
