"""Filters of the templates: values as people read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from churn_webapp.charts.version_metrics import SHOWN

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def ago(time: datetime | None, now: datetime) -> str:
    """How long ago, in its greatest unit: `3 min ago`."""
    if time is None:
        return "–"
    seconds = max(0, int((now - time).total_seconds()))
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"


def utc(time: datetime | None) -> str:
    """`2026-11-26 12:30:05 UTC`."""
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def number(value: object, digits: int = 4) -> str:
    """With a fixed number of digits; a dash if it is absent: None, or a metric that a version does not have."""
    return f"{value:,.{digits}f}" if isinstance(value, int | float) else "–"


def percent(value: float, digits: int = 1) -> str:
    """0.123 as 12.3 %."""
    return f"{value * 100:.{digits}f} %"


def count(value: int) -> str:
    """With separators."""
    return f"{value:,}"


def words(name: str) -> str:
    """`expectedCalibrationError` as `expected calibration error`, for names that have none of their own."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def metric(name: str) -> str:
    """`rocAuc` as `ROC AUC`."""
    return SHOWN.get(name) or words(name).capitalize()


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": ago,
    "utc": utc,
    "number": number,
    "percent": percent,
    "count": count,
    "words": words,
    "metric": metric,
}
