"""Rows in, probability and class out: the interface of a scorer, and the one that asks the Pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from churn_report import DataContract
from numpy.typing import NDArray

from churn_serving.artifact import ArtifactUnusableError
from churn_serving.validation import Row


class Scorer(Protocol):
    """Scores valid rows."""

    def probabilities(self, rows: list[Row]) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,), for n rows in contract order."""
        ...


@dataclass(frozen=True)
class PipelineScorer:
    """Asks the fitted Pipeline itself, without a DataFrame.

    Attributes:
        pipeline: fitted, with `predict_proba`.
        positive_index: position of the positive class in `pipeline.classes_`.
    """

    pipeline: Any
    positive_index: int

    def probabilities(self, rows: list[Row]) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,)."""
        values = np.empty((len(rows), len(rows[0])), dtype=object)
        values[:] = rows
        scores: NDArray[np.float64] = self.pipeline.predict_proba(values)[:, self.positive_index]
        return scores


def positive_index(pipeline: Any, contract: DataContract) -> int:
    """Where the positive class stands in the Pipeline's classes: as its label, or as 1 of 0 and 1.

    Raises:
        ArtifactUnusableError: the Pipeline is no classifier of the contract's two labels.
    """
    classes = [_plain(label) for label in getattr(pipeline, "classes_", ())]
    if sorted(map(str, classes)) == sorted((contract.positive_label, contract.negative_label)):
        return [str(label) for label in classes].index(contract.positive_label)
    if classes in ([0, 1], [False, True]):
        return 1
    raise ArtifactUnusableError(
        f"The model's classes are {classes}, and the contract's labels are "
        f"{contract.negative_label!r} and {contract.positive_label!r}."
    )


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
