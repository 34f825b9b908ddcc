"""The encoding takes what clients send: objects, text throughout, tables, and blanks in every form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from churn_report import Column, ColumnKind
from churn_report.telco import TELCO_COLUMNS
from churn_trainer.features import code_counts, encoded_columns, make_encoder

pytestmark = pytest.mark.unit

COLUMNS = (
    Column(name="tenure", kind=ColumnKind.NUMBER, minimum=0),
    Column(name="plan", kind=ColumnKind.CATEGORY, categories=("small", "a much longer name", "big")),
    Column(name="total", kind=ColumnKind.NUMBER, minimum=5, nullable=True),
    Column(name="senior", kind=ColumnKind.CATEGORY, categories=("0", "1")),
    Column(name="region", kind=ColumnKind.CATEGORY, categories=("north", "south"), nullable=True),
)
ROW = [3, "big", 29.85, 1, "south"]


def _encode(rows: object) -> list[list[float]]:
    return np.round(make_encoder(COLUMNS).transform(rows).astype(float), 4).tolist()  # type: ignore[no-any-return]


def test_the_matrix_has_categories_first_and_says_how_many_codes() -> None:
    assert [column.name for column in encoded_columns(COLUMNS)] == ["plan", "region", "senior", "tenure", "total"]
    assert code_counts(COLUMNS) == (3, 3, 2)
    assert _encode([ROW]) == [[2, 1, 1, 3, 29.85]]


@pytest.mark.parametrize(
    "rows",
    [
        np.array([ROW]),
        np.array([ROW], dtype=object),
        pd.DataFrame([ROW]),
        np.array([["3.0", "big", "29.85", "1.0", "south"]]),
        np.array([[3.0, "big", 29.85, 1.0, "south"]], dtype=object),
    ],
    ids=["text throughout", "objects", "table", "numbers as text", "floats for integers"],
)
def test_every_form_of_a_row_is_encoded_alike(rows: object) -> None:
    assert _encode(rows) == _encode([ROW])


@pytest.mark.parametrize("blank", ["", " ", None, float("nan")])
def test_a_blank_becomes_the_minimum_or_a_category_of_its_own(blank: object) -> None:
    row = np.array([[3, "small", blank, 0, blank]], dtype=object)

    assert _encode(row) == [[0, 2, 0, 3, 5]]


@pytest.mark.parametrize(
    ("position", "value", "says"),
    [
        (0, "", "could not convert string to float"),
        (0, None, "NaN"),
        (0, "many", "could not convert string to float: 'many'"),
        (1, "huge", "unknown categories"),
        (1, None, "unknown categories"),
        (2, "q", "could not convert string to float: 'q'"),
        (3, 2, "unknown categories"),
        (4, "west", "unknown categories"),
    ],
)
def test_unfit_values_are_refused(position: int, value: object, says: str) -> None:
    row = np.array([ROW], dtype=object)
    row[0, position] = value

    with pytest.raises(ValueError, match=says):
        _encode(row)


def test_long_codes_that_small_floats_do_not_tell_apart_stay_text() -> None:
    codes = ("123456789", "123456790")
    encoder = make_encoder([Column(name="shop", kind=ColumnKind.CATEGORY, categories=codes)])

    assert encoder.transform([[codes[0]], [codes[1]]]).ravel().tolist() == [0, 1]


def test_the_telco_contract_has_nineteen_columns_and_one_that_may_be_blank() -> None:
    assert len(TELCO_COLUMNS) == 19
    assert [column.name for column in TELCO_COLUMNS if column.nullable] == ["TotalCharges"]
