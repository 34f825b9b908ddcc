"""YAML is read as kubectl reads it, with the line of each field."""

from __future__ import annotations

from typing import Any

import pytest
from churnctl.lint.documents import Document, UnreadableError, documents, plain

pytestmark = pytest.mark.unit


def only(text: str) -> Document:
    (document,) = documents(text)
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("Off", False), ("true", True), ("12", 12), ("-3", -3), ("0x10", 16), ("010", 8),
        ("1_000", 1000),
        ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("2026-03-01", "2026-03-01"), ("1:30", "1:30"), ("90s", "90s"),
        ("s3://b/k", "s3://b/k"), ("v1", "v1"), ("1.2.3", "1.2.3"), ("10%", "10%"), ("08", 8.0),
    ],
)  # fmt: skip
def test_a_plain_scalar(text: str, value: Any) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


def test_quotes_make_a_text() -> None:
    assert only("a: \"yes\"\nb: '12'\nc: |-\n  1\nd: !!str 1\n").content == {"a": "yes", "b": "12", "c": "1", "d": "1"}


def test_null_is_none() -> None:
    assert only("a: null\nb: ~\nc:\n").content == {"a": None, "b": None, "c": None}


def test_anchors_and_merges_are_resolved() -> None:
    assert only("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n").content["b"] == {"p": 1, "q": 3}


def test_each_field_has_its_line() -> None:
    document = only(
        "# first\nspec:\n  rollout:\n    steps:\n      - weight: 10\n      - weight: 20\n        bake: 1m\n"
    )
    assert document.line(("spec", "rollout", "steps", 1, "bake")) == 7
    assert document.line(("spec", "rollout", "steps", 1)) == 6
    assert document.line(("spec", "rollout", "steps", 1, "approval")) == 6, "what is not written: the line above it"
    assert document.line(("metadata", "name")) == 2


def test_a_key_that_stands_twice_is_told() -> None:
    assert only("a: 1\nb:\n  c: 1\n  c: 2\n").repeated == (("b", "c"),)


def test_several_documents_and_empty_ones() -> None:
    assert [document.content for document in documents("---\na: 1\n---\n---\n# nothing\n---\na: 2\n")] == [
        {"a": 1},
        {"a": 2},
    ]


def test_what_is_no_yaml_says_where() -> None:
    with pytest.raises(UnreadableError) as refused:
        list(documents("a: 1\nb: [1, 2\nc: 3\n"))
    assert refused.value.line == 3
