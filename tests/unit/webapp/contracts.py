"""A data contract with the Telco columns that the tests are about."""

from __future__ import annotations

from churn_report import Column, ColumnKind, DataContract

CONTRACT = DataContract(
    columns=(
        Column(name="SeniorCitizen", kind=ColumnKind.CATEGORY, categories=("0", "1")),
        # Declared in another order than the label encoder's.
        Column(name="Contract", kind=ColumnKind.CATEGORY, categories=("Two year", "Month-to-month", "One year")),
        Column(name="tenure", kind=ColumnKind.NUMBER, minimum=0, maximum=120),
        Column(name="TotalCharges", kind=ColumnKind.NUMBER, minimum=0, nullable=True),
    ),
    target="Churn",
    positive_label="Yes",
    negative_label="No",
    id_column="customerID",
)
CUSTOMER = {"SeniorCitizen": "0", "Contract": "One year", "tenure": 12.0, "TotalCharges": 800.5}
