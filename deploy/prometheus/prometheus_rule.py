"""prometheusrule.yaml, the form in which the Prometheus operator takes churn.rules.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deploy.generated_files import HEADER, block_yaml

FOLDER = Path(__file__).parent
RULES = FOLDER / "churn.rules.yaml"
PROMETHEUS_RULE = FOLDER / "prometheusrule.yaml"


def rendered() -> dict[Path, str]:
    """The PrometheusRule: the groups of the rules file."""
    labels = {"app.kubernetes.io/name": "churn-operator", "app.kubernetes.io/instance": "churn-operator"}
    document: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "churn-operator", "namespace": "churn-system", "labels": labels},
        "spec": yaml.safe_load(RULES.read_text(encoding="utf-8")),
    }
    return {PROMETHEUS_RULE: HEADER + block_yaml(document)}
