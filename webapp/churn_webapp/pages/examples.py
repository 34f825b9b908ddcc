"""An invented customer, in the forms in which customers can be pasted."""

from __future__ import annotations

import json

ARTICLE = {
    "gender": 0,
    "SeniorCitizen": 0,
    "Partner": 1,
    "Dependents": 0,
    "tenure": 2,
    "PhoneService": 1,
    "MultipleLines": 0,
    "InternetService": 1,
    "OnlineSecurity": 0,
    "OnlineBackup": 0,
    "DeviceProtection": 0,
    "TechSupport": 0,
    "StreamingTV": 0,
    "StreamingMovies": 0,
    "Contract": 0,
    "PaperlessBilling": 1,
    "PaymentMethod": 2,
    "MonthlyCharges": 70.7,
    "TotalCharges": 151.65,
}
"""Label encoded, as in the article that this form comes from."""

NAMED = {
    "gender": "Female",
    "SeniorCitizen": "0",
    "Partner": "Yes",
    "Dependents": "No",
    "tenure": 60,
    "PhoneService": "Yes",
    "MultipleLines": "No",
    "InternetService": "DSL",
    "OnlineSecurity": "Yes",
    "OnlineBackup": "Yes",
    "DeviceProtection": "Yes",
    "TechSupport": "Yes",
    "StreamingTV": "No",
    "StreamingMovies": "No",
    "Contract": "Two year",
    "PaperlessBilling": "No",
    "PaymentMethod": "Credit card (automatic)",
    "MonthlyCharges": 64.5,
    "TotalCharges": 3870.0,
}
"""Business values."""

_EXAMPLES = {"article": ARTICLE, "named": {"instances": [ARTICLE, NAMED]}}


def example(name: str) -> str:
    """The example as indented JSON; empty if there is none of this name."""
    return json.dumps(_EXAMPLES[name], indent=2) if name in _EXAMPLES else ""
