"""What a customer must look like, field by field."""

from __future__ import annotations

import math
from typing import Any

import pytest
from churn_report import Column, ColumnKind
from churn_serving.refusal import Reason, Refusal
from churn_serving.validation import RowValidator
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.serving.payloads import JSON
from tests.unit.serving.telco import CONTRACT, CUSTOMER

VALIDATOR = RowValidator(CONTRACT, maximum_instances=3)
ROW = list(CUSTOMER.values())


def changed(**fields: Any) -> dict[str, Any]:
    return {**CUSTOMER, **fields}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in CUSTOMER.items() if name != field}


def test_named_fields_in_any_order_and_arrays_in_contract_order_are_the_same_row() -> None:
    backwards = dict(reversed(CUSTOMER.items()))
    assert VALIDATOR.rows([CUSTOMER, backwards, ROW]) == [["0", 2.0, "Month-to-month", "Fiber optic", 89.1, 178.2]] * 3


def test_a_category_of_digits_may_come_as_an_integer() -> None:
    [row] = VALIDATOR.rows([changed(SeniorCitizen=1)])
    assert row[0] == "1"


@pytest.mark.parametrize("number", [1e39, -1e39])
def test_a_number_that_no_model_can_hold_is_refused_without_bounds_too(number: float) -> None:
    contract = CONTRACT.model_copy(update={"columns": (Column(name="balance", kind=ColumnKind.NUMBER),)})
    validator = RowValidator(contract, maximum_instances=3)
    assert validator.rows([[3e38], [-(2**63)]]) == [[3e38], [-(2.0**63)]]
    with pytest.raises(Refusal, match=r"of -?3\.40282e\+38") as refusal:
        validator.rows([[number]])
    assert refusal.value.kind is Reason.OUT_OF_RANGE


@pytest.mark.parametrize("blank", [None, "", " "])
def test_a_blank_is_allowed_where_the_contract_says_so(blank: Any) -> None:
    [row] = VALIDATOR.rows([changed(TotalCharges=blank)])
    assert math.isnan(row[5])


BAD_INSTANCES: list[tuple[str, Any, Reason, str]] = [
    ("missing field", without("tenure"), Reason.MISSING_FIELD, 'field "tenure": missing'),
    ("unknown field", changed(Churn="Yes"), Reason.UNKNOWN_FIELD, 'field "Churn": the model has no such field'),
    (
        "unknown category",
        changed(Contract="Weekly"),
        Reason.UNKNOWN_CATEGORY,
        'field "Contract": "Weekly" is not one of "Month-to-month", "One year", "Two year"',
    ),
    ("category of another case", changed(InternetService="dsl"), Reason.UNKNOWN_CATEGORY, '"dsl" is not one of "DSL"'),
    ("category as boolean", changed(SeniorCitizen=True), Reason.UNKNOWN_CATEGORY, 'field "SeniorCitizen": True'),
    ("category as float", changed(SeniorCitizen=1.0), Reason.UNKNOWN_CATEGORY, 'field "SeniorCitizen": 1.0'),
    ("category as list", changed(Contract=["One year"]), Reason.UNKNOWN_CATEGORY, 'field "Contract": '),
    ("category blank", changed(Contract=None), Reason.MISSING_VALUE, 'field "Contract": a value is required'),
    ("number as text", changed(tenure="two"), Reason.NOT_A_NUMBER, 'field "tenure": "two" is not a number'),
    ("number as numeric text", changed(tenure="2"), Reason.NOT_A_NUMBER, 'field "tenure": "2" is not a number'),
    ("number as boolean", changed(tenure=True), Reason.NOT_A_NUMBER, 'field "tenure": True is not a number'),
    ("number as object", changed(tenure={}), Reason.NOT_A_NUMBER, 'field "tenure": {} is not a number'),
    ("number blank", changed(tenure=None), Reason.MISSING_VALUE, 'field "tenure": a value is required'),
    ("number infinite", changed(tenure=math.inf), Reason.NOT_A_NUMBER, 'field "tenure": the number must be finite'),
    ("number too small", changed(tenure=-1), Reason.OUT_OF_RANGE, 'field "tenure": -1 is below the minimum of 0'),
    ("number too large", changed(tenure=1201), Reason.OUT_OF_RANGE, "1201 is above the maximum of 1200"),
    ("array too short", ROW[:-1], Reason.WRONG_LENGTH, "has 5 values; 6 are expected"),
    ("array too long", [*ROW, 1], Reason.WRONG_LENGTH, "in this order: SeniorCitizen, tenure"),
    ("array out of order", ROW[::-1], Reason.UNKNOWN_CATEGORY, 'field "SeniorCitizen": 178.2'),
    ("neither object nor array", "customer", Reason.INSTANCE_NOT_A_ROW, "must be an object"),
    ("null", None, Reason.INSTANCE_NOT_A_ROW, "not None"),
]


@pytest.mark.parametrize(
    ("instance", "reason", "sentence"), [case[1:] for case in BAD_INSTANCES], ids=[case[0] for case in BAD_INSTANCES]
)
def test_a_bad_instance_is_named_by_index_and_field(instance: Any, reason: Reason, sentence: str) -> None:
    with pytest.raises(Refusal) as refusal:
        VALIDATOR.rows([CUSTOMER, instance])
    assert refusal.value.kind is reason
    assert refusal.value.status == 400
    assert str(refusal.value).startswith("Instance 1")
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ([], Reason.INSTANCES_EMPTY),
        ([CUSTOMER] * 4, Reason.TOO_MANY_INSTANCES),
        (CUSTOMER, Reason.INSTANCES_NOT_A_LIST),
        ("customers", Reason.INSTANCES_NOT_A_LIST),
        (None, Reason.INSTANCES_NOT_A_LIST),
    ],
)
def test_instances_must_be_a_list_of_bounded_length(instances: Any, reason: Reason) -> None:
    with pytest.raises(Refusal) as refusal:
        VALIDATOR.rows(instances)
    assert refusal.value.kind is reason


def test_a_long_value_is_cut_short_in_the_sentence() -> None:
    with pytest.raises(Refusal) as refusal:
        VALIDATOR.rows([changed(Contract="x" * 10_000)])
    assert len(str(refusal.value)) < 300


@given(JSON)
def test_any_instances_are_rows_or_a_refusal(instances: Any) -> None:
    try:
        rows = VALIDATOR.rows(instances)
    except Refusal as caught:
        refusal, rows = caught, []
    else:
        refusal = None
    assert refusal is None or str(refusal).endswith(".")
    assert all(len(row) == len(ROW) for row in rows)


@given(st.sampled_from(CONTRACT.names), JSON)
def test_any_value_of_a_field_is_taken_or_refused_by_its_name(field: str, value: Any) -> None:
    try:
        rows = VALIDATOR.rows([changed(**{field: value})])
    except Refusal as caught:
        refusal, rows = caught, []
    else:
        refusal = None
    assert refusal is None or f'field "{field}"' in str(refusal)
    assert all(type(cell) in (str, float) for row in rows for cell in row)
