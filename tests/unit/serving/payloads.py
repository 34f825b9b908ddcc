"""Requests: good ones, and any JSON at all."""

from __future__ import annotations

from typing import Any

from churn_report import ColumnKind
from hypothesis import strategies as st

from tests.unit.serving.telco import CONTRACT, CUSTOMER

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(), inner, max_size=7),
    max_leaves=15,
)


def inputs(count: int = 2) -> list[dict[str, Any]]:
    """A good request of `count` customers."""
    return [
        {
            "name": column.name,
            "shape": [count],
            "datatype": "BYTES" if column.kind is ColumnKind.CATEGORY else "FP64",
            "data": [CUSTOMER[column.name]] * count,
        }
        for column in CONTRACT.columns
    ]
