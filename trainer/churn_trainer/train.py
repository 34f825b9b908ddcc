"""Fits the model: chooses by cross-validation, then learns from the whole training part."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from churn_report import Column
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline

from churn_trainer.algorithms import Task, make_classifier
from churn_trainer.features import make_encoder
from churn_trainer.hyperparameters import Algorithm, HyperparameterValue, hyperparameters_of
from churn_trainer.metrics import expected_calibration_error
from churn_trainer.rejection import SpecRejected
from churn_trainer.results import Training
from churn_trainer.threads import worthwhile_threads

_FOLDS = 5
_CROSS_VALIDATION_ROWS = 100_000
# Its hundred coefficients learn nothing more from further rows, which would cost half a kilobyte each.
_LINEAR_ROWS = 1_000_000


@dataclass(frozen=True)
class TrainingRows:
    """The encoded training part: `rows` (n, columns) float32, `positive` (n,)."""

    rows: NDArray[np.float32]
    positive: NDArray[np.bool_]
    columns: Sequence[Column]


def cross_validate(
    part: TrainingRows, algorithm: Algorithm, hyperparameters: Mapping[str, HyperparameterValue], seed: int
) -> Training:
    """Five-fold stratified cross-validation, on at most 100,000 rows: fold-mean ROC AUC, pooled calibration error.

    Raises SpecRejected for hyperparameters that do not go with this many rows.
    """
    sample = _sample(part, _CROSS_VALIDATION_ROWS, seed)
    effective = {**hyperparameters_of(algorithm).defaults, **hyperparameters}
    scores = np.empty(len(sample.positive))
    areas = []
    for fit, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(sample.rows, sample.positive):
        task = Task(sample.rows[fit], sample.columns, effective, seed)
        classifier = _fitted(algorithm, task, sample.positive[fit])
        with worthwhile_threads(len(test)):
            scores[test] = classifier.predict_proba(sample.rows[test])[:, 1]
        areas.append(roc_auc_score(sample.positive[test], scores[test]))
    return Training(
        algorithm=algorithm.value,
        hyperparameters=effective,
        roc_auc=float(np.mean(areas)),
        calibration_error=expected_calibration_error(sample.positive, scores),
    )


def choose(
    part: TrainingRows,
    algorithms: Sequence[Algorithm],
    hyperparameters: Mapping[str, HyperparameterValue],
    seed: int,
) -> Training:
    """The algorithm with the highest cross-validated ROC AUC; the first of equals."""
    return max(
        (cross_validate(part, algorithm, hyperparameters, seed) for algorithm in algorithms),
        key=lambda training: training.roc_auc,
    )


def fit_pipeline(
    part: TrainingRows,
    algorithm: Algorithm,
    hyperparameters: Mapping[str, HyperparameterValue],
    seed: int,
    labels: tuple[str, str],
) -> Pipeline:
    """The servable Pipeline, encoder and classifier, fitted on the training part.

    `labels` are (negative, positive): what `predict` answers. Logistic regression learns from a random
    million of the rows when there are more. The classifier learns from encoded
    rows, so the table is never held as objects; the encoder is the one that serves.
    """
    if algorithm is Algorithm.LOGISTIC_REGRESSION:
        part = _sample(part, _LINEAR_ROWS, seed)
    task = Task(part.rows, part.columns, hyperparameters, seed)
    classifier = _fitted(algorithm, task, np.array(labels)[part.positive.astype(np.intp)])
    if isinstance(classifier, RandomForestClassifier):
        # A pool of threads costs a single prediction more than it saves.
        classifier.set_params(n_jobs=None)
    return Pipeline([("encode", make_encoder(part.columns)), ("classify", classifier)])


def _fitted(algorithm: Algorithm, task: Task, target: NDArray[Any]) -> Any:
    classifier = make_classifier(algorithm, task)
    try:
        with worthwhile_threads(len(task.rows)), warnings.catch_warnings():
            # Not converged within the user's own max_iter: the metrics say what it is worth.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return classifier.fit(task.rows, target)
    except ValueError as error:
        raise SpecRejected(
            "InvalidHyperparameter", f"{algorithm} cannot learn from {len(task.rows)} rows: {error}"
        ) from error


def _sample(part: TrainingRows, most: int, seed: int) -> TrainingRows:
    if len(part.positive) <= most:
        return part
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(len(part.positive), most, replace=False, shuffle=False))
    return TrainingRows(part.rows[chosen], part.positive[chosen], part.columns)
