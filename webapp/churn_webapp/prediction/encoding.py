"""One customer as the model server takes it, from what people send.

People send business values, text from a CSV file, or the article's form, in which every category column was label
encoded: sklearn's LabelEncoder numbers the sorted categories from 0. A value that is a category is never taken for a
number, so SeniorCitizen 1 is the category "1".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from churn_report import Column, ColumnKind, DataContract

from churn_webapp.errors import InvalidCustomer

Customer = dict[str, Any]
_MOST_SHOWN = 6
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
"""As spreadsheets write fractions in many countries."""


def encode(values: Mapping[str, Any], contract: DataContract, index: int | None = None) -> Customer:
    """The customer with the contract's columns in the contract's order, every value of its column's kind.

    Columns that the contract does not have (id, target, notes) are left out. Raises InvalidCustomer naming the field;
    `index` is the customer's position, from 0, if there are several.
    """
    missing = [column.name for column in contract.columns if column.name not in values and not column.nullable]
    if missing:
        raise InvalidCustomer(_absent(missing), index)
    return {column.name: _encode_value(values.get(column.name), column, index) for column in contract.columns}


def _encode_value(value: Any, column: Column, index: int | None) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        if column.nullable:
            return None
        raise InvalidCustomer(f"field “{column.name}” is blank.", index)
    match column.kind:
        case ColumnKind.NUMBER:
            return _number(value, column, index)
        case ColumnKind.CATEGORY:
            return _category(value, column, index)


def _number(value: Any, column: Column, index: int | None) -> float:
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not math.isfinite(number):
        hint = ": write it with a point" if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip()) else ""
        raise _invalid(index, column.name, f"{_shown(value)} is not a number{hint}.")
    if column.minimum is not None and number < column.minimum:
        raise _invalid(index, column.name, f"{number:g} is less than {column.minimum:g}.")
    if column.maximum is not None and number > column.maximum:
        raise _invalid(index, column.name, f"{number:g} is more than {column.maximum:g}.")
    return number


def _category(value: Any, column: Column, index: int | None) -> str:
    if isinstance(value, str) and value in column.categories:
        return value
    text = value.strip() if isinstance(value, str) else str(value)
    if text in column.categories and not isinstance(value, bool):
        return text
    code = _code(value)
    if code is None:
        raise _invalid(index, column.name, f"{_shown(value)} is not one of {_choices(column.categories)}.")
    ordered = sorted(column.categories)
    as_whole_number = str(code)
    if as_whole_number in column.categories:
        return as_whole_number
    if not 0 <= code < len(ordered):
        codes = [f"{number} ({category})" for number, category in enumerate(ordered)]
        raise _invalid(index, column.name, f"{_shown(value)} is not one of the codes {', '.join(codes[:_MOST_SHOWN])}.")
    return ordered[code]


def _code(value: Any) -> int | None:
    """The label encoder's number, or None if the value is no whole number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and not value.strip().removeprefix("-").replace(".", "", 1).isdigit():
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() else None


def _choices(categories: tuple[str, ...]) -> str:
    shown = ", ".join(f"“{category}”" for category in categories[:_MOST_SHOWN])
    return shown if len(categories) <= _MOST_SHOWN else f"{shown}, … ({len(categories)} values)"


def _shown(value: Any) -> str:
    text = str(value)
    return f"“{text}”" if len(text) <= 60 else f"“{text[:60]}…”"


def _absent(missing: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in missing[:_MOST_SHOWN])
    if len(missing) == 1:
        return f"field {shown} is missing."
    more = f" and {len(missing) - _MOST_SHOWN} more" if len(missing) > _MOST_SHOWN else ""
    return f"fields {shown}{more} are missing."


def _invalid(index: int | None, field: str, what: str) -> InvalidCustomer:
    return InvalidCustomer(f"field “{field}”: {what}", index)
