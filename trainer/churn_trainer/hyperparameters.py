"""The algorithms a run may ask for and the hyperparameters each of them knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from churn_trainer.rejection import SpecRejected

HyperparameterValue: TypeAlias = float | int | str | bool | None
AUTO = "auto"
"""Wish for the best of all algorithms by cross-validation."""


class Algorithm(StrEnum):
    """The algorithms by their names in the API."""

    LOGISTIC_REGRESSION = "logisticRegression"
    HIST_GRADIENT_BOOSTING = "histGradientBoosting"
    RANDOM_FOREST = "randomForest"


@dataclass(frozen=True)
class Hyperparameters:
    """Names are scikit-learn's. `size` is the one that says how long to learn, a whole number from 1 on."""

    defaults: Mapping[str, HyperparameterValue]
    allowed: frozenset[str]
    size: str


# None of them re-weights classes: balanced weights raise recall at 0.5 and ruin the probabilities.
_KNOWN: Mapping[Algorithm, Hyperparameters] = {
    Algorithm.LOGISTIC_REGRESSION: Hyperparameters(
        {"C": 0.3, "max_iter": 2000}, frozenset({"C", "max_iter", "tol", "fit_intercept"}), "max_iter"
    ),
    Algorithm.HIST_GRADIENT_BOOSTING: Hyperparameters(
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
        "max_iter",
    ),
    Algorithm.RANDOM_FOREST: Hyperparameters(
        # Bounded leaves keep the forest small however many rows there are, and its probabilities calibrated.
        {"n_estimators": 100, "min_samples_leaf": 10, "max_leaf_nodes": 256},
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
        "n_estimators",
    ),
}


def candidates(algorithm: str) -> tuple[Algorithm, ...]:
    """The algorithms to choose from: one, or all for "auto".

    Raises SpecRejected (UnknownAlgorithm).
    """
    if algorithm == AUTO:
        return tuple(Algorithm)
    try:
        return (Algorithm(algorithm),)
    except ValueError:
        names = ", ".join([AUTO, *Algorithm])
        raise SpecRejected("UnknownAlgorithm", f"Algorithm {algorithm} is unknown: use {names}.") from None


def hyperparameters_of(algorithm: Algorithm) -> Hyperparameters:
    """What `algorithm` knows."""
    return _KNOWN[algorithm]


def parse_hyperparameters(algorithm: str, text: str) -> dict[str, HyperparameterValue]:
    """The wished hyperparameters, under scikit-learn's names, from their JSON object.

    Raises SpecRejected: UnknownAlgorithm, or InvalidHyperparameter for no JSON object, for any with
    "auto", and for an unknown name.
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
    known = hyperparameters_of(chosen)
    unknown = sorted(set(wished) - known.allowed)
    if unknown:
        raise SpecRejected(
            "InvalidHyperparameter",
            f"{unknown[0]} is no hyperparameter of {algorithm}: use {', '.join(sorted(known.allowed))}.",
        )
    size = wished.get(known.size, 1)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise SpecRejected(
            "InvalidHyperparameter", f"{known.size} of {algorithm} must be a whole number from 1 on, not {size!r}."
        )
    return wished
