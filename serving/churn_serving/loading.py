"""From a model folder to a model that is known to answer."""

from __future__ import annotations

from churn_report import Column, ColumnKind, DataContract
from prometheus_client import REGISTRY, CollectorRegistry

from churn_serving.artifact import ArtifactUnusableError, ModelArtifact, load_artifact
from churn_serving.metrics import ModelIdentity, PredictionMetrics
from churn_serving.model import ChurnPredictor
from churn_serving.scoring import PipelineScorer, Scorer, positive_index
from churn_serving.settings import Settings
from churn_serving.validation import Row


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


def build_scorer(artifact: ModelArtifact) -> Scorer:
    """The scorer of an artifact, tried on one valid row so that a misfit shows before the first request.

    Raises:
        ArtifactUnusableError: model and contract do not belong together.
    """
    scorer = PipelineScorer(artifact.pipeline, positive_index(artifact.pipeline, artifact.contract))
    try:
        scorer.probabilities([example_row(artifact.contract)])
    except Exception as error:
        raise ArtifactUnusableError(f"The model does not score a row of its contract: {error}") from error
    return scorer


def example_row(contract: DataContract) -> Row:
    """A valid row: first categories and smallest numbers."""
    return [_example(column) for column in contract.columns]


def _example(column: Column) -> str | float:
    match column.kind:
        case ColumnKind.CATEGORY:
            return column.categories[0]
        case ColumnKind.NUMBER:
            bounds = [bound for bound in (column.minimum, column.maximum, 0.0) if bound is not None]
            return float(bounds[0])
