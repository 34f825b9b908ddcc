"""Every algorithm of the trainer is scored by a compiled model, which is what makes one row fast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from churn_serving.artifact import load_artifact
from churn_serving.probing import object_matrix
from churn_serving.scoring import FewRowsScorer, build_scorer
from churn_serving.validation import RowValidator

from tests.integration.serving.conftest import train


@pytest.mark.parametrize(
    ("algorithm", "hyperparameters"),
    [
        ("logisticRegression", "{}"),
        ("histGradientBoosting", '{"max_iter": 20}'),
        ("randomForest", '{"n_estimators": 20}'),
    ],
)
def test_the_trainers_models_compile(customer_file: Path, tmp_path: Path, algorithm: str, hyperparameters: str) -> None:
    trained = train(customer_file, tmp_path, algorithm, hyperparameters)
    artifact = load_artifact(trained.folder, trained.sha256)
    scorer = build_scorer(artifact)
    assert isinstance(scorer, FewRowsScorer)
    rows = RowValidator(trained.contract, 500).rows(trained.customers[:500])
    expected = artifact.pipeline.predict_proba(object_matrix(rows))[:, 1]
    np.testing.assert_allclose([scorer.row_model(row) for row in rows], expected, rtol=0, atol=1e-5)
