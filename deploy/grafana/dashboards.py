"""The dashboards as the JSON that Grafana imports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.churnmodel_dashboard import churnmodel_dashboard
from deploy.grafana.churnmodels_dashboard import churnmodels_dashboard
from deploy.grafana.operator_dashboard import operator_dashboard

FOLDER = Path(__file__).parent
DASHBOARDS: Mapping[str, Callable[[], Dashboard]] = {
    "churn-operator.json": operator_dashboard,
    "churn-model.json": churnmodel_dashboard,
    "churn-models.json": churnmodels_dashboard,
}


def rendered() -> dict[Path, str]:
    """Every dashboard."""
    return {FOLDER / file: _json(made()) for file, made in DASHBOARDS.items()}


def _json(builder: Dashboard) -> str:
    """Panels are numbered, so that a link to one stays good."""
    dashboard = builder.build()
    for number, panel in enumerate(dashboard.panels or (), start=1):
        panel.id_val = number
    return str(JSONEncoder(sort_keys=True, indent=2).encode(dashboard)) + "\n"
