"""The reference of all metrics, from the objects that hold them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import churn_webapp.metrics
from churn_operator.reconcile.leadership import LeadershipMetrics
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.model_metrics import FAMILIES, PREFIX
from churn_serving.metrics import ModelIdentity, PredictionMetrics
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from documentation.markdown import GENERATED, code, plain, table

INTRODUCTION = """# Metrics

Everything is in Prometheus' text format, at `/metrics`. `deploy/prometheus` has alert rules and `deploy/grafana`
dashboards over these ([how to monitor](../how-to/monitoring.md)).

"""


@dataclass(frozen=True)
class Metric:
    """A metric as Prometheus shows it: counters end in _total."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


def page() -> str:
    """The whole page."""
    sections = (
        ("Operator: its loop", "Port 8080 of the operator, Service `churn-operator-metrics`.", of_the_operator()),
        (
            "Operator: each ChurnModel",
            "At the same address. Made from the status alone, so a restart changes none of them.",
            of_churn_models(),
        ),
        (
            "Model server",
            "Port 8080 of each predictor, beside KServe's own `request_*_seconds`. The version is a label, so a canary "
            "is compared with the stable version by one query.",
            of_the_model_server(),
        ),
        ("Web app", "Port 8080 of the web app, port 80 of the Service `churn-operator-webapp`.", of_the_web_app()),
    )
    return GENERATED + INTRODUCTION + "\n".join(_section(*section) for section in sections)


def of_the_operator() -> list[Metric]:
    """What the loop counts."""
    registry = CollectorRegistry()
    LoopMetrics(registry)
    LeadershipMetrics(registry)
    return in_registry(registry)


def of_churn_models() -> list[Metric]:
    """What is derived from each status."""
    return [
        Metric(PREFIX + family.name, "gauge", ("namespace", "name", *family.labels), family.help) for family in FAMILIES
    ]


def of_the_model_server() -> list[Metric]:
    """What a model server tells of its version."""
    registry = CollectorRegistry()
    PredictionMetrics(ModelIdentity("customer-churn-model", "1", "0" * 64), registry)
    return in_registry(registry)


def of_the_web_app() -> list[Metric]:
    """What the web app counts."""
    module = vars(churn_webapp.metrics).values()
    return [_metric(each) for each in module if isinstance(each, MetricWrapperBase)]


def in_registry(registry: CollectorRegistry) -> list[Metric]:
    """The metrics of a registry, in the order of their registration. Its public collect() tells no labels of what has
    no series yet."""
    collectors = registry._collector_to_names
    return [_metric(each) for each in collectors if isinstance(each, MetricWrapperBase)]


def _metric(collector: MetricWrapperBase) -> Metric:
    (described,) = collector.describe()
    suffix = "_total" if described.type == "counter" else ""
    return Metric(described.name + suffix, described.type, tuple(collector._labelnames), described.documentation)


def _section(title: str, where: str, metrics: Iterable[Metric]) -> str:
    rows = [
        (code(each.name), each.kind, ", ".join(code(label) for label in each.labels), plain(each.help))
        for each in metrics
    ]
    return f"## {title}\n\n{where}\n\n" + table(("Metric", "Type", "Labels", "Meaning"), rows)
