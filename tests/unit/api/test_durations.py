"""Lengths of time as a person writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1 import seconds_of
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.unit


@given(hours=st.integers(0, 99_999), minutes=st.integers(0, 59), seconds=st.integers(0, 59))
def test_hours_minutes_and_seconds_add_up(hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert seconds_of(f"{hours}h{minutes}m{seconds}s") == expected


@pytest.mark.parametrize(("text", "seconds"), [("0s", 0), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("24h", 86400)])
def test_parts_may_be_left_out(text: str, seconds: int) -> None:
    assert seconds_of(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["90", "1d", "5 min", "-5s", "1.5h", "30s10m"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 90s, 10m or 1h30m"):
        seconds_of(text)
