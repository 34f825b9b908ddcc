"""Prometheus metrics of the web app."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter("churn_webapp_requests_total", "Requests by page and status.", ["endpoint", "method", "code"])
SECONDS = Histogram("churn_webapp_request_duration_seconds", "Time to answer, by page.", ["endpoint"])
PREDICTED_CUSTOMERS = Counter(
    "churn_webapp_predicted_customers_total", "Customers that were predicted.", ["namespace", "name"]
)
MODEL_SECONDS = Histogram(
    "churn_webapp_model_request_duration_seconds", "Time that a model took for a batch.", ["namespace", "name"]
)
MODEL_FAILURES = Counter(
    "churn_webapp_model_failures_total", "Batches that a model did not answer.", ["namespace", "name", "reason"]
)
ACTIONS = Counter("churn_webapp_actions_total", "Buttons pressed, by what came of it.", ["action", "outcome"])
