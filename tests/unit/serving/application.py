"""A model server's prediction routes without a socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
from churn_serving.comparison import Comparer
from churn_serving.endpoints import PredictionEndpoints
from churn_serving.metrics import ComparisonMetrics, ModelIdentity, PredictionMetrics
from churn_serving.model import ChurnPredictor
from churn_serving.scoring import Scorer
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from tests.unit.serving.telco import CONTRACT

MAXIMUM_INSTANCES = 40
MAXIMUM_BODY_BYTES = 100_000


@dataclass(frozen=True)
class Served:
    """The prediction routes of one model, and its metrics."""

    application: Starlette
    registry: CollectorRegistry
    version: str

    def client(self) -> httpx.AsyncClient:
        """A client of the routes. A request returns when all is done, what is left for the background included."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.application), base_url="http://model")

    def sample(self, name: str, **labels: str) -> float:
        """Value of a metric of this model; 0 before it exists."""
        value = self.registry.get_sample_value(name, {"model": "churn", "version": self.version, **labels})
        return value or 0.0


def serve(
    scorer: Scorer,
    *,
    is_draining: bool = False,
    version: str = "3",
    compares: Callable[[ModelIdentity, ComparisonMetrics], Comparer] | None = None,
) -> Served:
    """Model `churn` behind `scorer`; `compares` makes what compares it."""
    registry = CollectorRegistry()
    identity = ModelIdentity("churn", version, "0" * 64)
    metrics = PredictionMetrics(identity, registry)
    model = ChurnPredictor(identity, CONTRACT, scorer, metrics, MAXIMUM_INSTANCES)
    comparer = compares(identity, metrics.comparisons) if compares else None
    endpoints = PredictionEndpoints(model, metrics, MAXIMUM_BODY_BYTES, lambda: is_draining, comparer)
    return Served(Starlette(routes=endpoints.routes()), registry, version)
