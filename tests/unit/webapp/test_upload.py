"""Files and pasted text, read as a table of customers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from churn_webapp.errors import InvalidRequest, TooLarge
from churn_webapp.prediction.upload import Upload, read_upload

from tests.unit.webapp.contracts import CONTRACT, CUSTOMER

HEADER = "customerID,SeniorCitizen,Contract,tenure,TotalCharges"


def read(content: str | bytes, most_rows: int = 10) -> Upload:
    return read_upload(content.encode() if isinstance(content, str) else content, CONTRACT, most_rows)


@pytest.mark.parametrize(
    ("document", "single"),
    [
        (CUSTOMER, True),
        ([CUSTOMER], False),
        ({"instances": [CUSTOMER]}, False),
        ({"instances": CUSTOMER}, True),
        (list(CUSTOMER.values()), True),
        ([list(CUSTOMER.values())], False),
        ({"instances": [list(CUSTOMER.values())]}, False),
    ],
)
def test_json_in_every_form_of_the_article(document: Any, single: bool) -> None:
    upload = read(json.dumps(document))
    assert upload.rows == (CUSTOMER,)
    assert upload.single is single


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_as_spreadsheets_write_it(delimiter: str, encoding: str) -> None:
    text = f"{HEADER}\r\n7590-Ä,0,One year,12,800.5\r\n".replace(",", delimiter)
    upload = read(text.encode(encoding))
    assert upload.columns == tuple(HEADER.split(","))
    assert upload.rows[0]["customerID"] == "7590-Ä"
    assert upload.rows[0]["Contract"] == "One year"


def test_a_character_may_be_written_in_two_halves() -> None:
    assert read('[{"customerID": "\\ud83d\\ude00"}]').rows[0]["customerID"] == "😀"


def test_a_field_in_quotes_may_have_delimiters_and_line_breaks() -> None:
    upload = read(f'{HEADER}\n"a, b\nc",0,One year,12,800.5\n')
    assert upload.rows[0]["customerID"] == "a, b\nc"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "nothing to predict"),
        ("  \n", "nothing to predict"),
        (b"\x89PNG\r\n\x1a\n\xff\xd8", "not text"),
        (b"PK\x03\x04\x00\x00", "From a spreadsheet, save as “CSV UTF-8”"),
        ("{", "This is no JSON"),
        ('{"a": 1,}', "line 1, column 9"),
        ("[" * 100_000, "nested too deeply"),
        ('{"tenure": ' + "9" * 5000 + "}", "a number in it has thousands of digits"),
        ('{"customerID": "\\ud800"}', "half a character, \\ud800"),
        ("[]", "no customers"),
        ('{"instances": 3}', "not a list"),
        ('{"instances": []}', "no customers"),
        ("[1]", "neither an object"),
        ("[[1, 2]]", "list of 2 values; the model has 4 columns"),
        ("a,b\n1,2\n", "names none of the model's columns"),
        ("just a sentence", "names none of the model's columns"),
        ("SeniorCitizen,Contract\n0,One year\n", "lacks the column tenure"),
        (f"{HEADER}\n", "no customers"),
        (f"{HEADER}\n1,0,One year\n", "Row 1 of the CSV has 3 fields, the header has 5 (separated by commas)"),
        (f"{HEADER},tenure\n1,0,One year,12,1,2\n", "“tenure” twice"),
        (f'{HEADER}\n"1,0', "cannot be read"),
    ],
)
def test_what_cannot_be_read_says_what_to_change(content: str | bytes, sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(content)
    assert sentence in refused.value.sentence


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER},{','.join(f'x{place}' for place in range(900))}\n" + f"1,0,One year,12,1{',' * 900}\n" * 2400,
        json.dumps([{**CUSTOMER, f"x{place}": 1} for place in range(1500)]),
    ],
    ids=["wide", "each with a field of its own"],
)
def test_what_would_fill_the_memory_is_refused(content: str) -> None:
    with pytest.raises(TooLarge, match="at most 2,100,000 values are taken at once"):
        read(content, most_rows=50_000)


def test_equal_values_stand_in_memory_once() -> None:
    first, second = read(f"{HEADER}\n" + "1,0,One year,12,1\n" * 2).rows
    assert first["Contract"] is second["Contract"]


@pytest.mark.parametrize("content", [json.dumps([CUSTOMER] * 11), f"{HEADER}\n" + "1,0,One year,12,1\n" * 11])
def test_more_customers_than_are_taken_at_once(content: str) -> None:
    with pytest.raises(TooLarge, match="11 customers; at most 10"):
        read(content)
