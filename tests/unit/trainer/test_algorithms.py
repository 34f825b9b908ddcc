"""Hyperparameters that are numbers of rows are judged by the rows that there are."""

from __future__ import annotations

import numpy as np
import pytest
from churn_report import Column, ColumnKind
from churn_trainer.algorithms import check_values
from churn_trainer.hyperparameters import Algorithm, HyperparameterValue
from churn_trainer.rejection import SpecRejected
from churn_trainer.train import TrainingRows, cross_validate

pytestmark = pytest.mark.unit

WISHES: list[tuple[Algorithm, dict[str, HyperparameterValue]]] = [
    (Algorithm.RANDOM_FOREST, {"max_samples": 500, "n_estimators": 3}),
    (Algorithm.HIST_GRADIENT_BOOSTING, {"early_stopping": True, "validation_fraction": 500, "max_iter": 3}),
]


def _part(rows: int) -> TrainingRows:
    random = np.random.default_rng(1)
    numbers = random.random((rows, 1), dtype=np.float32)
    return TrainingRows(numbers, random.random(rows) < numbers[:, 0], (Column(name="x", kind=ColumnKind.NUMBER),))


@pytest.mark.parametrize(("algorithm", "wished"), WISHES)
def test_what_the_rows_allow_is_taken(algorithm: Algorithm, wished: dict[str, HyperparameterValue]) -> None:
    check_values(algorithm, wished)

    assert cross_validate(_part(2000), algorithm, wished, seed=1).roc_auc > 0.7


def test_what_the_rows_do_not_allow_is_refused() -> None:
    wished: dict[str, HyperparameterValue] = {"early_stopping": True, "validation_fraction": 500}

    with pytest.raises(SpecRejected, match="histGradientBoosting cannot learn from 160 rows: test_size=500") as caught:
        cross_validate(_part(200), Algorithm.HIST_GRADIENT_BOOSTING, wished, seed=1)

    assert caught.value.reason == "InvalidHyperparameter"


@pytest.mark.parametrize("count", [0, -5])
def test_a_number_of_rows_that_is_none_is_refused_before_there_are_rows(count: int) -> None:
    with pytest.raises(SpecRejected, match="'max_samples' parameter"):
        check_values(Algorithm.RANDOM_FOREST, {"max_samples": count})
