"""Step 2: splits the table into training part and frozen holdout."""

from __future__ import annotations

from churn_trainer.folders import PreparedFolder, ValidatedFolder
from churn_trainer.preprocess import split
from churn_trainer.publishing import reported


def preprocess(validated: ValidatedFolder, prepared: PreparedFolder) -> None:
    """Splits into training part and frozen holdout, and encodes the former. Raises DataRejected."""
    prepared.path.mkdir(parents=True, exist_ok=True)
    request, contract = validated.request, validated.contract
    with reported(request, "preprocess"):
        split(
            validated.table,
            contract.columns,
            contract.target,
            rows=prepared.rows,
            positive=prepared.positive,
            holdout=prepared.holdout,
        )
