"""A fitted model and its server's prediction routes."""

from __future__ import annotations

from typing import Any

import pytest
from churn_serving.artifact import ModelArtifact
from churn_serving.scoring import Scorer, build_scorer

from tests.unit.serving.application import Served, serve
from tests.unit.serving.telco import CONTRACT, linear_pipeline


@pytest.fixture(scope="session")
def pipeline() -> Any:
    return linear_pipeline()


@pytest.fixture(scope="session")
def scorer(pipeline: Any) -> Scorer:
    return build_scorer(ModelArtifact(pipeline, CONTRACT, "0" * 64))


@pytest.fixture
def served(scorer: Scorer) -> Served:
    return serve(scorer)
