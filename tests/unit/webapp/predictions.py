"""Predictions that tests make up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from churn_webapp.prediction.prediction import Predicted, Prediction
from churn_webapp.prediction.profit import expected_profit
from churn_webapp.prediction.upload import Upload


def predicted(rows: Sequence[Mapping[str, Any]], probabilities: Sequence[float]) -> Predicted:
    """Those rows with those probabilities, answered by version 2."""
    predictions = tuple(
        Prediction(
            row=number,
            customer_id=str(row.get("customerID", "")),
            label="Yes" if probability > 0.5 else "No",
            churns=probability > 0.5,
            probability=probability,
            profit=expected_profit(probability),
            version="2",
        )
        for number, (row, probability) in enumerate(zip(rows, probabilities, strict=True), start=1)
    )
    columns = tuple(rows[0])
    return Predicted("churn/model", Upload(columns, tuple(rows)), predictions, (), asked={})
