"""Pages hold every record once, whatever comes and goes between two calls."""

from __future__ import annotations

from typing import Any

import pytest
from churn_devcluster.pipelines.answers import RequestError
from churn_devcluster.pipelines.paging import page
from hypothesis import given
from hypothesis import strategies as st

Records = dict[str, dict[str, Any]]


def _records(names: dict[str, str]) -> Records:
    return {identifier: {"display_name": name, "created_at": name} for identifier, name in names.items()}


def _all_pages(records: Records, size: int, sort_by: str) -> list[str]:
    seen: list[str] = []
    token = ""
    while True:
        found = page(records, size, token, sort_by)
        assert len(found.ids) <= size
        seen += found.ids
        token = found.next_page_token
        if not token:
            return seen


@given(
    names=st.dictionaries(st.text("abc", min_size=1, max_size=4), st.text("xyz", max_size=2), max_size=12),
    size=st.integers(1, 5),
    descending=st.booleans(),
)
def test_pages_together_are_the_sorted_records(names: dict[str, str], size: int, descending: bool) -> None:
    expected = sorted(names, key=lambda each: (names[each], each), reverse=descending)
    sort_by = "display_name desc" if descending else "display_name"
    assert _all_pages(_records(names), size, sort_by) == expected


def test_a_record_that_goes_between_two_calls_hides_no_other() -> None:
    names = {"1": "a", "2": "b", "3": "c", "4": "d"}
    first = page(_records(names), 2, "", "display_name")
    del names["2"]
    second = page(_records(names), 2, first.next_page_token, "display_name")
    assert (first.ids, second.ids) == (("1", "2"), ("3", "4"))


def test_the_page_size_has_a_default_and_a_bound() -> None:
    records = _records({f"{number:03}": "" for number in range(300)})
    assert len(page(records, 0, "", "").ids) == 20
    assert len(page(records, 1000, "", "").ids) == 200


def test_no_token_follows_the_last_page() -> None:
    records = _records({"1": "a", "2": "b"})
    assert page(records, 2, "", "").next_page_token == ""
    assert page({}, 2, "", "").ids == ()


@pytest.mark.parametrize(("token", "sort_by"), [("?", ""), ("bm90IEpTT04=", ""), ("", "mood"), ("", "created_at up")])
def test_a_foreign_token_and_an_unknown_field_are_refused(token: str, sort_by: str) -> None:
    with pytest.raises(RequestError) as refused:
        page(_records({"1": "a"}), 2, token, sort_by)
    assert refused.value.status == 400
