"""A model whose every answer is known, and that fails for one customer."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from churn_report import Column, ColumnKind, DataContract

FAILS = 13.37125
"""The tenure for which a valid request cannot be answered."""


class FailingModel:
    """Churns with the probability tenure / 100; `turned`, with the rest of it."""

    classes_ = np.array(["No", "Yes"])

    def __init__(self, turned: bool = False) -> None:
        self.turned = turned

    def predict_proba(self, rows: Any) -> Any:
        """Shape (n, 2) for n rows."""
        tenure = np.asarray(rows, dtype=object)[:, 0].astype(float)
        if (tenure == FAILS).any():
            raise RuntimeError("this customer is too much")
        churns = 1 - tenure / 100 if self.turned else tenure / 100
        return np.stack([1 - churns, churns], axis=1)


def save_failing_model(folder: Path, turned: bool = False) -> str:
    """Write model.joblib and contract.json; its sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = (Column(name="tenure", kind=ColumnKind.NUMBER, minimum=0, maximum=100),)
    contract = DataContract(
        columns=columns, target="Churn", positive_label="Yes", negative_label="No", id_column="customerID"
    )
    (folder / "contract.json").write_text(contract.model_dump_json())
    joblib.dump(FailingModel(turned), folder / "model.joblib")
    return hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()
