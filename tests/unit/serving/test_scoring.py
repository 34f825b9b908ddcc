"""A compiled model answers what its Pipeline answers, or is not used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from churn_report import Column
from churn_serving.additive import AdditiveModel
from churn_serving.artifact import ArtifactUnusableError, ModelArtifact
from churn_serving.probing import object_matrix, random_rows
from churn_serving.scoring import FewRowsScorer, PipelineScorer, build_scorer, positive_index
from churn_serving.trees import TreeModel
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from tests.unit.serving import telco
from tests.unit.serving.telco import CONTRACT


def artifact(pipeline: Any) -> ModelArtifact:
    return ModelArtifact(pipeline, CONTRACT, "0" * 64)


@pytest.mark.parametrize(
    ("make", "kind", "tolerance"),
    [
        (telco.linear_pipeline, AdditiveModel, 1e-6),
        (telco.spline_pipeline, AdditiveModel, 1e-6),
        (telco.boosted_pipeline, TreeModel, 1e-12),
        (telco.native_categories_pipeline, TreeModel, 1e-12),
        (telco.forest_pipeline, TreeModel, 1e-12),
    ],
)
def test_a_compiled_model_equals_its_pipeline_on_data(make: Callable[[], Any], kind: type, tolerance: float) -> None:
    pipeline = make()
    scorer = build_scorer(artifact(pipeline))
    assert isinstance(scorer, FewRowsScorer)
    assert isinstance(scorer.row_model, kind)
    rows = [*telco.customers(300, seed=99)[0].tolist(), *random_rows(CONTRACT, 900)[500:]]
    expected = pipeline.predict_proba(object_matrix(rows))[:, 1]
    compiled = [scorer.row_model(row) for row in rows]
    assert np.ptp(expected) > 0.3
    np.testing.assert_allclose(compiled, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("make", [telco.linear_pipeline, telco.spline_pipeline])
def test_numbers_far_beyond_the_data_are_scored_as_the_pipeline_does(make: Callable[[], Any]) -> None:
    unbounded = tuple(column.model_copy(update={"minimum": None, "maximum": None}) for column in CONTRACT.columns)
    contract = CONTRACT.model_copy(update={"columns": unbounded})
    pipeline = make()
    scorer = build_scorer(ModelArtifact(pipeline, contract, "0" * 64))
    assert isinstance(scorer, FewRowsScorer)
    rows = [["0", number, "One year", "DSL", 50.0, 1000.0] for number in (-1e12, -1e6, 1e6, 1e9, 1e12, 1e30)]
    expected = pipeline.predict_proba(object_matrix(rows))[:, 1]
    np.testing.assert_allclose([scorer.row_model(row) for row in rows], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("make", [telco.interacting_pipeline, telco.scaled_boosted_pipeline])
def test_a_pipeline_that_cannot_be_compiled_exactly_is_asked_itself(make: Callable[[], Any]) -> None:
    assert isinstance(build_scorer(artifact(make())), PipelineScorer)


def test_many_rows_are_asked_of_the_pipeline_in_one_call(pipeline: Any) -> None:
    scorer = build_scorer(artifact(pipeline))
    rows = random_rows(CONTRACT, 200)
    np.testing.assert_array_equal(scorer.probabilities(rows), pipeline.predict_proba(object_matrix(rows))[:, 1])


def test_a_pipeline_is_asked_by_one_thread_at_a_time() -> None:
    class Exclusive:
        """Says when two threads ask it at once."""

        inside = threading.Lock()

        def predict_proba(self, rows: Any) -> Any:
            assert self.inside.acquire(blocking=False)
            time.sleep(0.005)  # the others come meanwhile
            self.inside.release()
            return np.full((len(rows), 2), 0.5)

    scorer = PipelineScorer(Exclusive(), 1)
    rows = random_rows(CONTRACT, 2)
    with ThreadPoolExecutor(4) as threads:
        assert [len(scores) for scores in threads.map(scorer.probabilities, [rows] * 12)] == [2] * 12


def test_probabilities_are_those_of_the_positive_label_whichever_its_position() -> None:
    rows, labels = telco.customers(300, seed=8)
    renamed = make_pipeline(telco.linear_pipeline()[:-1], telco.linear_pipeline()[-1])
    renamed.fit(rows, np.where(labels == "Yes", "Churned", "Stays"))
    contract = CONTRACT.model_copy(update={"positive_label": "Churned", "negative_label": "Stays"})
    assert positive_index(renamed, contract) == 0
    scorer = build_scorer(ModelArtifact(renamed, contract, "0" * 64))
    assert isinstance(scorer, FewRowsScorer)
    first = rows[:5].tolist()
    np.testing.assert_allclose(scorer.probabilities(first), renamed.predict_proba(rows[:5])[:, 0], atol=1e-6)


def test_zero_and_one_are_the_two_labels() -> None:
    rows, labels = telco.customers(300, seed=8)
    assert positive_index(telco.linear_pipeline().fit(rows, (labels == "Yes").astype(int)), CONTRACT) == 1


def test_other_labels_are_unusable() -> None:
    rows, labels = telco.customers(300, seed=8)
    with pytest.raises(ArtifactUnusableError, match="labels"):
        build_scorer(artifact(telco.linear_pipeline().fit(rows, np.where(labels == "Yes", "good", "bad"))))


def test_what_is_no_classifier_is_unusable() -> None:
    with pytest.raises(ArtifactUnusableError, match="classes are"):
        build_scorer(artifact({"weights": [1, 2]}))


def test_a_contract_of_other_columns_is_unusable(pipeline: Any) -> None:
    extra = Column.model_validate({"name": "age", "kind": "number"})
    contract = CONTRACT.model_copy(update={"columns": (extra, *CONTRACT.columns)})
    with pytest.raises(ArtifactUnusableError, match="does not score rows of its contract"):
        build_scorer(ModelArtifact(pipeline, contract, "0" * 64))


def test_a_model_without_probabilities_is_unusable() -> None:
    class Broken(DummyClassifier):  # type: ignore[misc]
        def predict_proba(self, X: Any) -> Any:  # noqa: N803
            return np.full((len(X), 2), np.nan)

    rows, labels = telco.customers(50, seed=8)
    with pytest.raises(ArtifactUnusableError, match="no probabilities"):
        build_scorer(artifact(Broken().fit(rows, labels)))
