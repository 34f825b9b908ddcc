"""What the server tells Prometheus about its predictions, beside KServe's own metrics on the same page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_MODEL_LABELS = ("model", "version")
_LATENCY_BUCKETS = (
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
_SCORE_BUCKETS = tuple(round(0.05 * step, 2) for step in range(1, 21))


@dataclass(frozen=True)
class ModelIdentity:
    """Which model this process serves; the labels of every metric.

    Attributes:
        name: model name in the URL path.
        version: version number of the ChurnModel, e.g. "3".
        sha256: hex digest of model.joblib.
    """

    name: str
    version: str
    sha256: str


class PredictionMetrics:
    """Requests, refusals and errors, latency and scores of one model version."""

    def __init__(self, identity: ModelIdentity, registry: CollectorRegistry = REGISTRY) -> None:
        labels = (identity.name, identity.version)
        self._requests = Counter(
            "churn_prediction_requests",
            "Prediction requests answered, by protocol (v1, v2) and HTTP status code",
            (*_MODEL_LABELS, "protocol", "code"),
            registry=registry,
        )
        self._errors = Counter(
            "churn_prediction_errors",
            "Prediction requests not answered with a prediction, by reason; Internal is the server's fault",
            (*_MODEL_LABELS, "reason"),
            registry=registry,
        )
        self._duration = Histogram(
            "churn_prediction_duration_seconds",
            "From the request's headers to its answer, whatever the status code",
            (*_MODEL_LABELS, "protocol"),
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self._labels = labels
        self._instances = Counter(
            "churn_prediction_instances", "Customers scored", _MODEL_LABELS, registry=registry
        ).labels(*labels)
        self._scores = Histogram(
            "churn_prediction_score",
            "Predicted probability of the positive class",
            _MODEL_LABELS,
            buckets=_SCORE_BUCKETS,
            registry=registry,
        ).labels(*labels)
        Gauge(
            "churn_model_info",
            "Always 1; names the file that is served",
            (*_MODEL_LABELS, "sha256"),
            registry=registry,
        ).labels(*labels, identity.sha256).set(1)

    def answered(self, protocol: str, code: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(*self._labels, protocol, str(code)).inc()
        self._duration.labels(*self._labels, protocol).observe(seconds)

    def failed(self, reason: str) -> None:
        """Count one answer without a prediction."""
        self._errors.labels(*self._labels, reason).inc()

    def scored(self, probabilities: Sequence[float]) -> None:
        """Count the customers of one request and record their probabilities."""
        self._instances.inc(len(probabilities))
        for probability in probabilities:
            self._scores.observe(probability)
