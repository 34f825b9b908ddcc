"""The algorithms a run may ask for, their defaults and their hyperparameters."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from churn_report import Column, ColumnKind
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler

from churn_trainer.features import code_counts
from churn_trainer.rejection import SpecRejected

HyperparameterValue: TypeAlias = float | int | str | bool | None
_KNOT_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Task:
    """What a classifier is made for: encoded training rows (n, columns), their contract columns, and wishes."""

    rows: NDArray[np.float32]
    columns: Sequence[Column]
    hyperparameters: Mapping[str, HyperparameterValue]
    seed: int


@dataclass(frozen=True)
class Algorithm:
    """One way to learn; `make` answers an unfitted scikit-learn classifier."""

    name: str
    defaults: Mapping[str, HyperparameterValue]
    allowed: frozenset[str]
    make: Callable[[Task], Any]


def _logistic_regression(task: Task) -> Pipeline:
    """Logistic regression over one-hot categories and cubic splines of the numbers.

    The splines let a linear model follow how churn falls with tenure; on the Telco data they are worth
    .004 of ROC AUC and halve the calibration error.
    """
    counts = code_counts(task.columns)
    one_hot = OneHotEncoder(categories=[np.arange(count, dtype=np.float32) for count in counts], dtype=np.float32)
    parts: list[tuple[str, Any, list[int]]] = [("categories", one_hot, list(range(len(counts))))] if counts else []
    for position in range(len(counts), len(task.columns)):
        parts.append((f"number_{position}", _spline(task.rows[:, position]), [position]))
    return make_pipeline(ColumnTransformer(parts), LogisticRegression(random_state=task.seed, **task.hyperparameters))


def _spline(numbers: NDArray[np.float32]) -> Any:
    knots = np.unique(np.quantile(numbers.astype(np.float64), _KNOT_SHARES))
    if len(knots) < 2:
        return StandardScaler()
    return make_pipeline(SplineTransformer(knots=knots[:, None], include_bias=False), StandardScaler())


def _hist_gradient_boosting(task: Task) -> HistGradientBoostingClassifier:
    categories = list(range(len(code_counts(task.columns))))
    return HistGradientBoostingClassifier(
        categorical_features=categories, random_state=task.seed, **task.hyperparameters
    )


def _random_forest(task: Task) -> RandomForestClassifier:
    return RandomForestClassifier(random_state=task.seed, n_jobs=-1, **task.hyperparameters)


# None of them re-weights classes: balanced weights raise recall at 0.5 and ruin the probabilities.
ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(
            "logisticRegression",
            {"C": 0.3, "max_iter": 2000},
            frozenset({"C", "max_iter", "tol", "fit_intercept"}),
            _logistic_regression,
        ),
        Algorithm(
            "histGradientBoosting",
            {"learning_rate": 0.05, "max_leaf_nodes": 8, "max_iter": 120, "early_stopping": False},
            frozenset(
                {
                    "learning_rate",
                    "max_iter",
                    "max_leaf_nodes",
                    "max_depth",
                    "min_samples_leaf",
                    "l2_regularization",
                    "max_features",
                    "max_bins",
                    "early_stopping",
                    "validation_fraction",
                    "n_iter_no_change",
                    "tol",
                }
            ),
            _hist_gradient_boosting,
        ),
        Algorithm(
            "randomForest",
            # Bounded leaves keep the forest small however many rows there are, and its probabilities calibrated.
            {"n_estimators": 200, "min_samples_leaf": 10, "max_leaf_nodes": 256},
            frozenset(
                {
                    "n_estimators",
                    "criterion",
                    "max_depth",
                    "min_samples_split",
                    "min_samples_leaf",
                    "max_features",
                    "max_leaf_nodes",
                    "max_samples",
                    "bootstrap",
                    "ccp_alpha",
                }
            ),
            _random_forest,
        ),
    )
}
AUTO = "auto"


def candidates(algorithm: str) -> tuple[Algorithm, ...]:
    """The algorithms to choose from: one, or all for "auto".

    Raises SpecRejected (UnknownAlgorithm).
    """
    if algorithm == AUTO:
        return tuple(ALGORITHMS.values())
    if algorithm not in ALGORITHMS:
        raise SpecRejected(
            "UnknownAlgorithm", f"Algorithm {algorithm} is unknown: use {', '.join([AUTO, *ALGORITHMS])}."
        )
    return (ALGORITHMS[algorithm],)


def parse_hyperparameters(algorithm: str, text: str) -> dict[str, HyperparameterValue]:
    """The wished hyperparameters, under scikit-learn's names, from their JSON object.

    Raises SpecRejected (InvalidHyperparameter) for no JSON object, an unknown name, any name with
    "auto", and a value that scikit-learn refuses.
    """
    try:
        wished = json.loads(text or "{}")
    except ValueError as error:
        raise SpecRejected("InvalidHyperparameter", f"hyperparameters is no JSON: {error}.") from error
    if not isinstance(wished, dict):
        raise SpecRejected("InvalidHyperparameter", "hyperparameters is no JSON object of names and values.")
    if algorithm == AUTO:
        if wished:
            raise SpecRejected(
                "InvalidHyperparameter", "Algorithm auto takes no hyperparameters: name one algorithm to set them."
            )
        return {}
    (chosen,) = candidates(algorithm)
    unknown = sorted(set(wished) - chosen.allowed)
    if unknown:
        raise SpecRejected(
            "InvalidHyperparameter",
            f"{unknown[0]} is no hyperparameter of {algorithm}: use {', '.join(sorted(chosen.allowed))}.",
        )
    _try_values(chosen, wished)
    return wished


def _try_values(algorithm: Algorithm, wished: Mapping[str, HyperparameterValue]) -> None:
    """Fits a toy table, because scikit-learn checks values only when it fits."""
    size = "n_estimators" if "n_estimators" in algorithm.allowed else "max_iter"
    value = wished.get(size, 1)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SpecRejected(
            "InvalidHyperparameter", f"{size} of {algorithm.name} must be a whole number from 1 on, not {value!r}."
        )
    rows = np.linspace(0, 1, 200, dtype=np.float32)[:, None]
    toy = (Column(name="toy", kind=ColumnKind.NUMBER),)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            algorithm.make(Task(rows, toy, {**wished, size: 2}, 0)).fit(rows, np.arange(200) % 2)
    except (ValueError, TypeError) as error:
        raise SpecRejected("InvalidHyperparameter", f"{algorithm.name} refuses its hyperparameters: {error}") from error
