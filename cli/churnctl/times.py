"""Times as the API server writes them, and how long ago as kubectl says it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_PARTS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def time_of(text: str | None) -> datetime | None:
    """An RFC 3339 time; None for none."""
    return None if not text else datetime.fromisoformat(text)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def ago(time: datetime | None, at: datetime) -> str:
    """`time` until `at` in one or two units: 45s, 12m, 3h20m, 5d; empty for no time."""
    return "" if time is None else short(at - time)


def short(span: timedelta) -> str:
    """A length of time in one or two units."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE and seconds % _MINUTE:
        return f"{seconds // _MINUTE}m{seconds % _MINUTE}s"
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 2 * _DAY:
        minutes = seconds % _HOUR // _MINUTE
        return f"{seconds // _HOUR}h{minutes}m" if minutes and seconds < 8 * _HOUR else f"{seconds // _HOUR}h"
    return f"{seconds // _DAY}d"


def span_of(duration: str) -> timedelta:
    """A duration of spec such as 90s or 1h30m; zero for what is none."""
    match = _PARTS.fullmatch(duration)
    if match is None:
        return timedelta(0)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
