"""Predictions as a CSV file that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

from churn_webapp.prediction.prediction import Predicted, Prediction

_ADDED = ("churn", "probability", "expected_profit", "version")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the code page of its country. ASCII needs none, and some programs mind it."""


def csv_lines(predicted: Predicted, predictions: tuple[Prediction, ...]) -> Iterator[str]:
    """Line by line: the columns that were sent, and what was predicted. In the order of `predictions`."""
    columns = predicted.upload.columns
    if not _is_ascii(predicted):
        yield _BYTE_ORDER_MARK
    yield _line([*(_safe(column) for column in columns), *(_own(name, columns) for name in _ADDED)])
    for one in predictions:
        values = predicted.upload.rows[one.row - 1]
        sent = [_safe(values.get(column)) for column in columns]
        yield _line([*sent, _safe(one.label), f"{one.probability:.6f}", f"{one.profit:.2f}", _safe(one.version)])


def _is_ascii(predicted: Predicted) -> bool:
    texts = chain(predicted.upload.columns, *(row.values() for row in predicted.upload.rows))
    return all(str(text).isascii() for text in texts)


def _own(name: str, columns: tuple[str, ...]) -> str:
    return f"predicted_{name}" if name in columns else name


def _safe(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection); numbers stay numbers."""
    text = "" if value is None else str(value)
    if not text.lstrip(" ").startswith(_FORMULA_STARTS) or _is_number(text):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    # "1_000" and "infinity" are numbers to Python only.
    return not set(text) - set("+-.0123456789eE")


def _line(cells: list[str]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
