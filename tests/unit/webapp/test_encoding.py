"""Business values, text and label encoded values all become what the model server takes."""

from __future__ import annotations

from typing import Any

import pytest
from churn_report import Column, ColumnKind
from churn_trainer.contract import TELCO_COLUMNS, make_contract
from churn_webapp.errors import InvalidCustomer
from churn_webapp.pages.examples import ARTICLE
from churn_webapp.prediction.encoding import encode

from tests.unit.webapp.contracts import CONTRACT, CUSTOMER


@pytest.mark.parametrize(
    ("field", "sent", "asked"),
    [
        ("Contract", "One year", "One year"),
        ("Contract", " One year ", "One year"),
        # sklearn's LabelEncoder numbers the sorted values: Month-to-month, One year, Two year.
        ("Contract", 0, "Month-to-month"),
        ("Contract", 2, "Two year"),
        ("Contract", 1.0, "One year"),
        ("Contract", "1", "One year"),
        ("Contract", "2.0", "Two year"),
        ("SeniorCitizen", 1, "1"),
        ("SeniorCitizen", 1.0, "1"),
        ("SeniorCitizen", "0", "0"),
        ("tenure", "12", 12.0),
        ("tenure", 12, 12.0),
        ("TotalCharges", " ", None),
        ("TotalCharges", None, None),
        ("TotalCharges", "29.85", 29.85),
    ],
)
def test_a_value_becomes_the_column_s_kind(field: str, sent: Any, asked: Any) -> None:
    assert encode({**CUSTOMER, field: sent}, CONTRACT)[field] == asked


@pytest.mark.parametrize(
    ("field", "sent", "sentence"),
    [
        ("Contract", "Weekly", "“Weekly” is not one of “Two year”, “Month-to-month”, “One year”."),
        ("Contract", 3, "“3” is not one of the codes 0 (Month-to-month), 1 (One year), 2 (Two year)."),
        ("Contract", -1, "is not one of the codes"),
        ("Contract", 0.5, "is not one of “Two year”"),
        ("Contract", True, "“True” is not one of"),
        ("Contract", ["One year"], "is not one of"),
        ("tenure", "twelve", "“twelve” is not a number."),
        ("tenure", "nan", "is not a number."),
        ("tenure", "12,5", "“12,5” is not a number: write it with a point."),
        ("tenure", "1,200,000", "“1,200,000” is not a number."),
        ("tenure", True, "is not a number."),
        ("tenure", {"a": 1}, "is not a number."),
        ("tenure", -1, "-1 is less than 0."),
        ("tenure", 121, "121 is more than 120."),
        ("tenure", 10**400, "is not a number."),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_field(field: str, sent: Any, sentence: str) -> None:
    with pytest.raises(InvalidCustomer) as refused:
        encode({**CUSTOMER, field: sent}, CONTRACT)
    assert refused.value.sentence.startswith(f"Field “{field}”: ")
    assert sentence in refused.value.sentence


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_a_blank_is_refused_with_its_field(sent: str | None) -> None:
    with pytest.raises(InvalidCustomer) as refused:
        encode({**CUSTOMER, "Contract": sent}, CONTRACT)
    assert refused.value.sentence == "Field “Contract” is blank."


@pytest.mark.parametrize(
    ("absent", "sentence"),
    [
        (["tenure"], "Customer 8, field “tenure” is missing."),
        (["SeniorCitizen", "tenure"], "Customer 8, fields “SeniorCitizen”, “tenure” are missing."),
    ],
)
def test_one_of_several_customers_is_named_by_its_place(absent: list[str], sentence: str) -> None:
    with pytest.raises(InvalidCustomer) as refused:
        encode({name: value for name, value in CUSTOMER.items() if name not in absent}, CONTRACT, index=7)
    assert refused.value.sentence == sentence


def test_a_category_may_begin_or_end_with_a_blank() -> None:
    column = Column(name="Plan", kind=ColumnKind.CATEGORY, categories=(" a", "b "))
    assert encode({"Plan": " a"}, CONTRACT.model_copy(update={"columns": (column,)})) == {"Plan": " a"}


def test_columns_that_the_model_does_not_have_are_left_out() -> None:
    assert encode({**CUSTOMER, "customerID": "7", "Churn": "No"}, CONTRACT) == CUSTOMER


def test_a_nullable_column_may_be_absent() -> None:
    sent = {name: value for name, value in CUSTOMER.items() if name != "TotalCharges"}
    assert encode(sent, CONTRACT)["TotalCharges"] is None


def test_the_article_s_customer_is_decoded_by_sorted_categories() -> None:
    contract = make_contract(
        TELCO_COLUMNS, target="Churn", id_column="customerID", positive_label="Yes", negative_label="No"
    )
    asked = encode(ARTICLE, contract)
    assert set(ARTICLE) == set(contract.names)
    assert asked["gender"] == "Female"
    assert asked["InternetService"] == "Fiber optic"
    assert asked["PaymentMethod"] == "Electronic check"
    for column in contract.columns:
        if column.kind is ColumnKind.CATEGORY:
            assert asked[column.name] in column.categories
