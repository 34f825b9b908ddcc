"""A model server's prediction routes without a socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
from churn_serving.endpoints import PredictionEndpoints
from churn_serving.metrics import ModelIdentity, PredictionMetrics
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

    client: Callable[[], httpx.AsyncClient]
    registry: CollectorRegistry

    def sample(self, name: str, **labels: str) -> float:
        """Value of a metric of this model; 0 before it exists."""
        value = self.registry.get_sample_value(name, {"model": "churn", "version": "3", **labels})
        return value or 0.0


def serve(scorer: Scorer, *, is_draining: bool = False) -> Served:
    """Model `churn`, version 3, behind `scorer`."""
    registry = CollectorRegistry()
    identity = ModelIdentity("churn", "3", "0" * 64)
    metrics = PredictionMetrics(identity, registry)
    model = ChurnPredictor(identity, CONTRACT, scorer, metrics, MAXIMUM_INSTANCES)
    endpoints = PredictionEndpoints(model, metrics, MAXIMUM_BODY_BYTES, lambda: is_draining)
    application = Starlette(routes=endpoints.routes())
    return Served(
        lambda: httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://model"), registry
    )
