"""Filters of the list calls, in every spelling that clients use."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from churn_devcluster.pipelines.answers import RequestError
from churn_devcluster.pipelines.filters import matches, parse_filter

_FIELDS = {
    "display_name": "churn-1",
    "state": "FAILED",
    "created_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    "finished_at": None,
    "attempt": 3,
}


def _matches(*predicates: dict[str, object]) -> bool:
    return matches(parse_filter(json.dumps({"predicates": predicates})), _FIELDS)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ({"operation": "EQUALS", "key": "display_name", "stringValue": "churn-1"}, True),
        ({"operation": "EQUALS", "key": "display_name", "string_value": "churn-2"}, False),
        ({"operation": 1, "key": "display_name", "stringValue": "churn-1"}, True),
        ({"operation": "NOT_EQUALS", "key": "state", "stringValue": "FAILED"}, False),
        ({"operation": 2, "key": "state", "stringValue": "RUNNING"}, True),
        ({"operation": "IN", "key": "state", "stringValues": {"values": ["FAILED", "RUNNING"]}}, True),
        ({"operation": 8, "key": "state", "string_values": {"values": ["RUNNING"]}}, False),
        ({"operation": "IS_SUBSTRING", "key": "display_name", "stringValue": "churn"}, True),
        ({"operation": 9, "key": "display_name", "stringValue": "drift"}, False),
        ({"operation": "GREATER_THAN", "key": "attempt", "intValue": 2}, True),
        ({"operation": 3, "key": "attempt", "longValue": "3"}, False),
        ({"operation": 5, "key": "attempt", "longValue": "3"}, True),
        ({"operation": 6, "key": "attempt", "intValue": 3}, False),
        ({"operation": 7, "key": "attempt", "intValue": 3}, True),
        ({"operation": 6, "key": "created_at", "timestampValue": "2026-03-01T13:00:00Z"}, True),
        ({"operation": 3, "key": "created_at", "timestamp_value": "2026-03-01T13:00:00Z"}, False),
        ({"operation": 3, "key": "finished_at", "timestampValue": "2020-01-01T00:00:00Z"}, False),
    ],
)
def test_a_predicate_holds_or_not(predicate: dict[str, object], expected: bool) -> None:
    assert _matches(predicate) is expected


def test_all_predicates_must_hold_and_none_always_do() -> None:
    name = {"operation": 1, "key": "display_name", "stringValue": "churn-1"}
    state = {"operation": 1, "key": "state", "stringValue": "RUNNING"}
    assert not _matches(name, state)
    assert _matches(name)
    assert _matches()
    assert matches(parse_filter(""), _FIELDS)


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        '{"predicates": [{}]}',
        '{"predicates": [{"operation": 4, "key": "state", "stringValue": "x"}]}',
        '{"predicates": [{"operation": "LIKE", "key": "state", "stringValue": "x"}]}',
        '{"predicates": [{"operation": 1, "key": "state"}]}',
        '{"predicates": [{"operation": 1, "key": "created_at", "timestampValue": "yesterday"}]}',
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="failed to parse filter") as refused:
        parse_filter(text)
    assert refused.value.status == 400


def test_an_unknown_field_and_a_value_of_another_type_are_refused() -> None:
    with pytest.raises(RequestError, match="unknown field 'mood'"):
        _matches({"operation": 1, "key": "mood", "stringValue": "x"})
    with pytest.raises(RequestError, match="'attempt' cannot be compared with 'x'"):
        _matches({"operation": 3, "key": "attempt", "stringValue": "x"})
