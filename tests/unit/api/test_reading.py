"""Specs are read with sentences for what is wrong; statuses survive writing and reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from churn_operator.api.reading import SpecError, read_spec, read_status, write_status
from churn_operator.api.v1alpha1 import ChurnModelStatus, Phase
from churn_operator.api.v1alpha1.common import StatusPart
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.api.statuses import CONDITIONS, FULL, NOON

pytestmark = pytest.mark.unit

URI = "s3://mlops-data/customers.csv"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({}, "spec.dataset is required: add it."),
        (
            {"dataset": {"uri": "customers.csv"}},
            "spec.dataset.uri must be s3://bucket/key with the bucket in lower case and no blanks, "
            "e.g. s3://mlops-data/customers.csv, not 'customers.csv'.",
        ),
        (
            {"dataset": {"uri": URI, "url": "x"}},
            "spec.dataset.url is not a field of this version of ChurnModel: remove it or correct its spelling.",
        ),
        (
            {"dataset": {"uri": URI}, "training": {"hyperparameters": {"C": [0.1, 1]}}},
            "spec.training.hyperparameters.C must be one number, string or boolean, not [0.1, 1]: give a single value.",
        ),
        (
            {"dataset": {"uri": URI}, "training": {"hyperparameters": {"C": {"from": 1}, "penalty": None}}},
            "spec.training.hyperparameters.C must be one number, string or boolean, not {'from': 1}: "
            "give a single value; spec.training.hyperparameters.penalty must be one number, string or boolean, "
            "not None: give a single value.",
        ),
        (
            {"dataset": {"uri": URI}, "rollout": {"steps": [{"weight": 10}, {"weight": 150}]}},
            "spec.rollout.steps[1].weight should be less than or equal to 100, but is 150.",
        ),
    ],
)
def test_a_spec_that_cannot_be_read_says_where_and_what_to_change(raw: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_spec(raw)
    assert str(refused.value) == sentence


def test_many_mistakes_are_counted_rather_than_all_told() -> None:
    raw = {"dataset": {"uri": URI}, "rollout": {"steps": [{"weight": 150}] * 9}}
    with pytest.raises(SpecError, match=r"steps\[4\].*; and 4 more\.$"):
        read_spec(raw)


def test_hyperparameters_keep_their_types() -> None:
    raw = {"dataset": {"uri": URI}, "training": {"hyperparameters": {"a": 1, "b": 0.5, "c": True, "d": "l2"}}}
    read = read_spec(raw).training.hyperparameters
    assert [(value, type(value)) for value in read.values()] == [(1, int), (0.5, float), (True, bool), ("l2", str)]


def test_a_whole_amount_without_quotes_is_read_as_its_text() -> None:
    raw = {"dataset": {"uri": URI}, "training": {"resources": {"limits": {"cpu": 2, "memory": "4Gi"}}}}
    assert read_spec(raw).training.resources.limits.model_dump() == {"cpu": "2", "memory": "4Gi"}


def test_the_full_status_leaves_no_field_at_its_default() -> None:
    assert _fields_left_out(FULL) == []


def _fields_left_out(part: StatusPart) -> list[str]:
    found: list[str] = []
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if not field.is_required() and value == field.default:
            found.append(f"{type(part).__name__}.{name}")
        for inner in value if isinstance(value, tuple) else (value,):
            found += _fields_left_out(inner) if isinstance(inner, StatusPart) else []
    return found


def test_a_full_status_is_read_back_as_it_was_written() -> None:
    assert read_status(write_status(FULL)) == FULL


def test_what_is_written_has_no_nulls_and_camel_case_names() -> None:
    written = write_status(ChurnModelStatus(latest_version=3))
    assert written["latestVersion"] == 3
    assert "url" not in written
    assert "training" not in written


@pytest.mark.parametrize(
    "time",
    [
        datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC),
        datetime(2026, 3, 1, 14, 0, 0, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 3, 1, 12, 0, 0),
    ],
)
def test_times_are_written_in_utc_to_the_second(time: datetime) -> None:
    assert write_status(FULL.model_copy(update={"next_run": time}))["nextRun"] == "2026-03-01T12:00:00Z"


@given(st.datetimes(timezones=st.timezones()))
def test_writing_what_was_read_changes_nothing(time: datetime) -> None:
    once = write_status(FULL.model_copy(update={"next_run": time}))
    assert write_status(read_status(once)) == once


@pytest.mark.parametrize("raw", [None, {}])
def test_a_new_object_has_the_first_status(raw: dict[str, Any] | None) -> None:
    assert read_status(raw) == ChurnModelStatus()


def test_unknown_fields_of_a_newer_operator_are_ignored() -> None:
    raw = write_status(FULL)
    newer = {**raw, "forecast": {}, "rollout": {**raw["rollout"], "region": 1}}
    assert read_status(newer) == FULL


def test_only_what_cannot_be_read_is_left_out() -> None:
    raw = write_status(FULL)
    strange = [{**raw["versions"][0], "state": "Archived"}, *raw["versions"][1:]]
    read = read_status({**raw, "phase": "Dreaming", "versions": strange, "nextRun": "soon"})
    assert read == FULL.model_copy(update={"phase": Phase.PENDING, "versions": FULL.versions[1:], "next_run": None})


def test_reading_leaves_the_raw_status_alone() -> None:
    raw = {"phase": "Dreaming"}
    read_status(raw)
    assert raw == {"phase": "Dreaming"}


def test_versions_and_conditions_are_found_by_their_key() -> None:
    assert FULL.version(2) is FULL.versions[1]
    assert FULL.version(9) is None
    assert FULL.version(None) is None
    assert FULL.condition("Ready") is CONDITIONS[0]
    assert FULL.condition("Unheard") is None
    assert FULL.dataset is not None
    assert FULL.dataset.adopted == NOON
