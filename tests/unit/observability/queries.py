"""Every PromQL query of the dashboards and of the alert rules."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[3] / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
RULES = DEPLOY / "prometheus" / "churn.rules.yaml"


@dataclass(frozen=True)
class Asked:
    """A query, and where it stands."""

    where: str
    promql: str


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """The panels of a dashboard, without the rows between them."""
    return [panel for panel in json.loads(dashboard.read_text())["panels"] if panel["type"] != "row"]


def of_dashboards() -> list[Asked]:
    """The queries of all panels, with the variables of Grafana in them."""
    return [
        Asked(f"{dashboard.stem}: {panel['title']} {target['refId']}", target["expr"])
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


def alerts() -> list[dict[str, Any]]:
    """All alerts."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def without_threshold(promql: str) -> str:
    """An alert's expression without what makes it fire: the comparison at its end, absent(), and the selection of the
    bad ones by a status."""
    promql = re.sub(r"\s*(==|!=|>=|<=|<|>)\s*[\d.]+\s*$", "", promql)
    promql = re.sub(r"^absent\((.*?)( == \d+)?\)$", r"\1", promql)
    return re.sub(r',status!?="True"', "", promql)


def of_alerts() -> list[Asked]:
    """The expressions of all alerts, without what makes them fire."""
    return [Asked(alert["alert"], without_threshold(alert["expr"])) for alert in alerts()]
