"""The v2 protocol: one tensor a column."""

from __future__ import annotations

from typing import Any

import pytest
from churn_serving import tensors
from churn_serving.refusal import Reason, Refusal
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.serving.payloads import JSON, inputs
from tests.unit.serving.telco import CONTRACT, CUSTOMER


def changed(index: int, **fields: Any) -> list[dict[str, Any]]:
    good = inputs()
    return [*good[:index], {**good[index], **fields}, *good[index + 1 :]]


def test_tensors_in_any_order_become_rows_in_contract_order() -> None:
    request = tensors.parse({"inputs": inputs()[::-1], "id": "42"}, CONTRACT)
    assert request.instances == [list(CUSTOMER.values())] * 2
    assert request.request_id == "42"
    assert request.outputs == ("class", "probability")


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": [2, 1]},
        {"shape": [2, 1], "data": [[2], [2]]},
        {"datatype": "INT64"},
        {"datatype": "FP32", "data": [2.0, 2.0]},
    ],
)
def test_shapes_and_datatypes_of_a_number_column(fields: dict[str, Any]) -> None:
    request = tensors.parse({"inputs": changed(1, **fields)}, CONTRACT)
    assert [row[1] for row in request.instances] == [2, 2]


def test_only_the_requested_outputs_are_answered() -> None:
    request = tensors.parse({"inputs": inputs(), "outputs": [{"name": "probability"}]}, CONTRACT)
    [output] = tensors.render(request.outputs, ["Yes", "No"], [0.9, 0.1])
    assert output == {"name": "probability", "datatype": "FP64", "shape": [2], "data": [0.9, 0.1]}


BAD: list[tuple[str, dict[str, Any], Reason, str]] = [
    ("inputs no list", {"inputs": {}}, Reason.INSTANCES_MISSING, "must be a list of tensors"),
    ("input no object", {"inputs": [1]}, Reason.MALFORMED_TENSOR, "Input 0"),
    ("input without name", {"inputs": [{"shape": [1]}]}, Reason.MALFORMED_TENSOR, "Input 0"),
    ("missing input", {"inputs": inputs()[1:]}, Reason.MISSING_FIELD, '"SeniorCitizen"'),
    ("unknown input", {"inputs": [*inputs(), {"name": "age"}]}, Reason.UNKNOWN_FIELD, '"age"'),
    ("twice the same input", {"inputs": [*inputs(), inputs()[0]]}, Reason.MALFORMED_TENSOR, "given twice"),
    ("no data", {"inputs": [{**inputs()[0], "data": None}, *inputs()[1:]]}, Reason.MALFORMED_TENSOR, '"data" must'),
    (
        "binary data",
        {"inputs": [{key: value for key, value in inputs()[0].items() if key != "data"}, *inputs()[1:]]},
        Reason.MALFORMED_TENSOR,
        "send the values as JSON",
    ),
    ("wrong datatype", {"inputs": changed(1, datatype="BYTES")}, Reason.MALFORMED_TENSOR, '"BYTES" is not one of'),
    ("no datatype", {"inputs": changed(1, datatype=None)}, Reason.MALFORMED_TENSOR, '"tenure"'),
    ("category as float", {"inputs": changed(0, datatype="FP64")}, Reason.MALFORMED_TENSOR, '"SeniorCitizen"'),
    ("wide shape", {"inputs": changed(1, shape=[1, 2])}, Reason.MALFORMED_TENSOR, "neither [n] nor [n, 1]"),
    ("negative shape", {"inputs": changed(1, shape=[-2])}, Reason.MALFORMED_TENSOR, "neither [n] nor [n, 1]"),
    ("no shape", {"inputs": changed(1, shape=None)}, Reason.MALFORMED_TENSOR, "neither [n] nor [n, 1]"),
    ("shape unlike data", {"inputs": changed(1, shape=[3])}, Reason.MALFORMED_TENSOR, "says 3 values"),
    (
        "fraction as INT64",
        {"inputs": changed(1, datatype="INT64", data=[2, 2.5])},
        Reason.MALFORMED_TENSOR,
        "Instance 1",
    ),
    (
        "columns of two lengths",
        {"inputs": changed(1, shape=[1], data=[2])},
        Reason.MALFORMED_TENSOR,
        '"tenure" holds 1',
    ),
    ("id no string", {"inputs": inputs(), "id": 42}, Reason.MALFORMED_TENSOR, '"id" must be a string'),
    ("unknown output", {"inputs": inputs(), "outputs": [{"name": "odds"}]}, Reason.UNKNOWN_OUTPUT, '"odds"'),
    ("outputs no list", {"inputs": inputs(), "outputs": "class"}, Reason.UNKNOWN_OUTPUT, "must be a list"),
]


@pytest.mark.parametrize(("body", "reason", "sentence"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_request_names_its_input(body: dict[str, Any], reason: Reason, sentence: str) -> None:
    with pytest.raises(Refusal) as refusal:
        tensors.parse(body, CONTRACT)
    assert refusal.value.kind is reason
    assert sentence in str(refusal.value)


@given(
    st.integers(0, len(CONTRACT.columns) - 1),
    st.dictionaries(st.sampled_from(["name", "shape", "datatype", "data", "parameters"]), JSON),
)
def test_any_tensor_is_read_or_refused(index: int, fields: dict[str, Any]) -> None:
    try:
        request = tensors.parse({"inputs": changed(index, **fields)}, CONTRACT)
    except Refusal:
        return
    assert [len(row) for row in request.instances] == [len(CONTRACT.columns)] * 2


def test_the_metadata_describes_every_column() -> None:
    assert tensors.input_types(CONTRACT)[:2] == [
        {"name": "SeniorCitizen", "datatype": "BYTES", "shape": [-1]},
        {"name": "tenure", "datatype": "FP64", "shape": [-1]},
    ]
