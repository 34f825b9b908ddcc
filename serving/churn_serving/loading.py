"""From a model folder to a model that is known to answer."""

from __future__ import annotations

from prometheus_client import REGISTRY, CollectorRegistry

from churn_serving.artifact import load_artifact
from churn_serving.metrics import ModelIdentity, PredictionMetrics
from churn_serving.model import ChurnPredictor
from churn_serving.scoring import build_scorer
from churn_serving.settings import Settings


def load_model(settings: Settings, registry: CollectorRegistry = REGISTRY) -> tuple[ChurnPredictor, PredictionMetrics]:
    """Verify, load and try the model.

    Raises:
        ArtifactError: the folder cannot be served.
    """
    artifact = load_artifact(settings.model_dir, settings.model_sha256)
    scorer = build_scorer(artifact)
    identity = ModelIdentity(settings.model_name, settings.model_version, artifact.sha256)
    metrics = PredictionMetrics(identity, registry)
    return (
        ChurnPredictor(identity, artifact.contract, scorer, metrics, settings.maximum_instances),
        metrics,
    )
