"""Rows in, probability out: the Pipeline itself for batches, and its compiled equal for a few rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol

import numpy as np
from churn_report import DataContract
from kserve.logging import logger
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from churn_serving.additive import compile_additive
from churn_serving.artifact import ArtifactUnusableError, ModelArtifact
from churn_serving.probing import object_matrix, random_rows, reference_row
from churn_serving.trees import compile_boosting, compile_forest
from churn_serving.validation import Row

RowModel = Callable[[Row], float]
FEW_ROWS = 16
"""For more rows the Pipeline's vectorized steps win."""

_PROBES = 400
_TOLERANCE = 1e-5  # a Pipeline that computes in 32-bit floats is no more exact than that


class Scorer(Protocol):
    """Scores valid rows."""

    def probabilities(self, rows: list[Row]) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,), for n rows in contract order."""
        ...


@dataclass(frozen=True)
class PipelineScorer:
    """Asks the fitted Pipeline, without a DataFrame, one thread at a time: while a ColumnTransformer works it empties
    the process's list of warning filters, and a second one that finds it empty logs a warning for every step.

    Attributes:
        pipeline: fitted, with `predict_proba`.
        positive_index: position of the positive class in `pipeline.classes_`.
    """

    pipeline: Any
    positive_index: int
    _turn: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def probabilities(self, rows: list[Row]) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,)."""
        with self._turn:
            scores: NDArray[np.float64] = self.pipeline.predict_proba(object_matrix(rows))[:, self.positive_index]
        return scores


@dataclass(frozen=True)
class FewRowsScorer:
    """Asks a compiled model for a few rows, and the Pipeline for more."""

    row_model: RowModel
    batch: PipelineScorer

    def probabilities(self, rows: list[Row]) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,)."""
        if len(rows) > FEW_ROWS:
            return self.batch.probabilities(rows)
        return np.array([self.row_model(row) for row in rows])


def build_scorer(artifact: ModelArtifact) -> Scorer:
    """The fastest scorer that answers as the artifact's Pipeline does.

    Raises:
        ArtifactUnusableError: model and contract do not belong together.
    """
    contract = artifact.contract
    index = positive_index(artifact.pipeline, contract)
    _use_one_thread(artifact.pipeline)
    pipeline = PipelineScorer(artifact.pipeline, index)
    try:
        expected = pipeline.probabilities([reference_row(contract), *random_rows(contract, _PROBES)])
    except Exception as error:
        raise ArtifactUnusableError(f"The model does not score rows of its contract: {error}") from error
    if not (np.isfinite(expected).all() and (expected >= 0).all() and (expected <= 1).all()):
        raise ArtifactUnusableError("The model answers numbers that are no probabilities.")
    row_model = compile_row_model(artifact.pipeline, contract, index)
    if row_model is None:
        logger.info("Scoring with the Pipeline itself: it is none of the kinds that are compiled, or differs")
        return pipeline
    logger.info("Scoring up to %d rows with a compiled %s", FEW_ROWS, type(row_model).__name__)
    return FewRowsScorer(row_model, pipeline)


def compile_row_model(pipeline: Any, contract: DataContract, index: int) -> RowModel | None:
    """A function of one row that equals the Pipeline on probes; None when there is no such function.

    Probes are rows drawn from the contract; equal is within 1e-5 of the Pipeline's probability.
    """
    try:
        row_model = _compiled(pipeline, contract, index)
        rows = random_rows(contract, _PROBES)
        answers = [] if row_model is None else [row_model(row) for row in rows]
    except Exception as error:
        # Compiling reads what scikit-learn keeps private; whatever goes wrong, the Pipeline still works.
        logger.warning("The Pipeline is not compiled: %s: %s", type(error).__name__, error)
        return None
    expected = PipelineScorer(pipeline, index).probabilities(rows)
    return row_model if answers and np.allclose(answers, expected, rtol=0, atol=_TOLERANCE) else None


def positive_index(pipeline: Any, contract: DataContract) -> int:
    """Where the positive class stands in the Pipeline's classes: as its label, or as 1 of 0 and 1.

    Raises:
        ArtifactUnusableError: the Pipeline is no classifier of the contract's two labels.
    """
    classes = [label.item() if isinstance(label, np.generic) else label for label in _classes(pipeline)]
    names = [str(label) for label in classes]
    if sorted(names) == sorted((contract.positive_label, contract.negative_label)):
        return names.index(contract.positive_label)
    if classes in ([0, 1], [False, True]):
        return 1
    raise ArtifactUnusableError(
        f"The model's classes are {classes}, and the contract's labels are "
        f"{contract.negative_label!r} and {contract.positive_label!r}."
    )


def _use_one_thread(pipeline: Any) -> None:
    # A forest fitted with n_jobs=-1 starts a thread pool for every request.
    for step in _flat_steps(pipeline) if isinstance(pipeline, Pipeline) else [pipeline]:
        if hasattr(step, "n_jobs"):
            step.n_jobs = 1


def _classes(pipeline: Any) -> list[Any]:
    try:
        return list(pipeline.classes_)
    except AttributeError:
        return []


def _compiled(pipeline: Any, contract: DataContract, index: int) -> RowModel | None:
    if not isinstance(pipeline, Pipeline):
        return None
    steps = _flat_steps(pipeline)

    def encode(rows: NDArray[np.object_]) -> NDArray[Any]:
        encoded: Any = rows
        for step in steps[:-1]:
            encoded = step.transform(encoded)
        return np.asarray(encoded)

    match steps[-1]:
        case LogisticRegression():
            return compile_additive(pipeline, contract, index)
        case HistGradientBoostingClassifier() as boosting:
            return compile_boosting(encode, boosting, contract, index)
        case RandomForestClassifier() as forest:
            return compile_forest(encode, forest, contract, index)
        case _:
            return None


def _flat_steps(pipeline: Pipeline) -> list[Any]:
    steps: list[Any] = []
    for _, step in pipeline.steps:
        steps.extend(_flat_steps(step) if isinstance(step, Pipeline) else [step])
    return [step for step in steps if step != "passthrough" and step is not None]
