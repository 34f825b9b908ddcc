"""Customers from files: what is sent, what each is called, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from churnctl.customers import Fields, read_customers, value_of
from churnctl.errors import InputError

pytestmark = pytest.mark.unit

FIELDS = Fields.of({"dataset": {"uri": "s3://b/k"}})


def written(folder: Path, text: str) -> str:
    file = folder / "customers"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_csv_leaves_id_and_target_out_and_knows_numbers_and_blanks(tmp_path: Path) -> None:
    text = "﻿customerID,Contract,tenure,MonthlyCharges,TotalCharges,Churn\n"
    text += "A-1,Two year,5,70.5, ,Yes\nB-2,One year,1,20,20,No\n"
    customers = read_customers(written(tmp_path, text), FIELDS)
    assert customers.names == ("A-1", "B-2")
    assert customers.instances[0] == {"Contract": "Two year", "tenure": 5, "MonthlyCharges": 70.5, "TotalCharges": None}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    text = delimiter.join(["a", "b"]) + "\n" + delimiter.join(["x, y", "2"]) + "\n"
    assert read_customers(written(tmp_path, text), FIELDS).instances == ({"a": "x, y", "b": 2},)


def test_the_contract_says_what_is_a_text() -> None:
    fields = Fields.of({"dataset": {"columns": [{"name": "zip", "kind": "category"}]}})
    assert value_of("01234", fields.kinds.get("zip")) == "01234"
    assert value_of("01234", None) == 1234
    assert value_of("nan", "number") == "nan", "the model server tells that it is no number"


@pytest.mark.parametrize(
    ("content", "instances"),
    [
        ([{"customerID": "A", "tenure": 1}, {"tenure": 2, "Churn": "No"}], [{"tenure": 1}, {"tenure": 2}]),
        ({"instances": [{"tenure": 1}]}, [{"tenure": 1}]),
        ({"tenure": 1}, [{"tenure": 1}]),
        ([[1, "Male"], [2, "Female"]], [[1, "Male"], [2, "Female"]]),
        ([1, "Male"], [[1, "Male"]]),
    ],
)
def test_every_shape_of_json(tmp_path: Path, content: Any, instances: list[Any]) -> None:
    assert list(read_customers(written(tmp_path, json.dumps(content)), FIELDS).instances) == instances


def test_a_customer_without_id_is_called_by_its_place(tmp_path: Path) -> None:
    assert read_customers(written(tmp_path, '[{"customerID": 7}, {"a": 1}]'), FIELDS).names == ("7", "#2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no customer"),
        ("[]", "holds no customer"),
        ('[{"a": 1}', "is no JSON"),
        ("a,b\n1,2\n3\n", "line 3: 1 values, and the header has 2 columns"),
        ("a,b,a\n1,2,3\n", "has the column a twice"),
        ('[{"a": NaN}]', "NaN is not a value that it has, so write null"),
        ('[{"a": "\\ud800"}]', "half a character"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_file_of_customers(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_customers(written(tmp_path, text), FIELDS)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"name\nJ\xfcrgen\n")
    with pytest.raises(InputError, match="is not UTF-8"):
        read_customers(str(tmp_path / "latin"), FIELDS)
