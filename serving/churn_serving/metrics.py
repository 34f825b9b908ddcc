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
    """Requests, refusals and errors, latency and scores of one model version.

    Attributes:
        comparisons: of its answers to mirrored requests with another version's.
    """

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
        self.comparisons = ComparisonMetrics(identity, registry)
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


class ComparisonMetrics:
    """Mirrored requests of one model version, and how its answers compare with those of another version."""

    def __init__(self, identity: ModelIdentity, registry: CollectorRegistry = REGISTRY) -> None:
        self._labels = (identity.name, identity.version)
        peer = (*_MODEL_LABELS, "compared_with")
        self._mirrored = Counter(
            "churn_mirrored_requests",
            "Copies of prediction requests that a gateway mirrored to this version, whatever the status code",
            _MODEL_LABELS,
            registry=registry,
        )
        self._compared = Counter(
            "churn_mirrored_comparisons",
            "Mirrored requests whose answer was compared with the other version's",
            peer,
            registry=registry,
        )
        self._disagreements = Counter(
            "churn_mirrored_disagreements",
            "Mirrored requests that the other version gave another class; one with several customers adds their share",
            peer,
            registry=registry,
        )
        self._failures = Counter(
            "churn_mirrored_comparison_failures",
            "Mirrored requests that could not be compared, by reason",
            (*peer, "reason"),
            registry=registry,
        )
        self._answered = Counter(
            "churn_comparison_answers",
            "Prediction requests of other versions' servers, by HTTP status code; counted nowhere else",
            (*_MODEL_LABELS, "code"),
            registry=registry,
        )

    def mirrored(self) -> None:
        """Count one mirrored request."""
        self._mirrored.labels(*self._labels).inc()

    def compared(self, peer: str, share: float) -> None:
        """Count one comparison; `share` of the request's customers, from 0 to 1, got another class from `peer`."""
        self._compared.labels(*self._labels, peer).inc()
        self._disagreements.labels(*self._labels, peer).inc(share)

    def failed(self, peer: str, reason: str) -> None:
        """Count one comparison that could not be made."""
        self._failures.labels(*self._labels, peer, reason).inc()

    def answered(self, code: int) -> None:
        """Count one answer for another version's comparison."""
        self._answered.labels(*self._labels, str(code)).inc()
