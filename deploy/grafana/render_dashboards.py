"""Writes the dashboards as the JSON that Grafana imports."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
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


def rendered(file: str) -> str:
    """One dashboard as JSON; its panels are numbered, so that a link to one stays good."""
    made = DASHBOARDS[file]().build()
    for number, panel in enumerate(made.panels or (), start=1):
        panel.id_val = number
    return str(JSONEncoder(sort_keys=True, indent=2).encode(made)) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the dashboards, or with --check compare: 1 when one differs from what would be written."""
    parser = argparse.ArgumentParser(prog="python -m deploy.grafana.render_dashboards", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    if not parser.parse_args(arguments).check:
        for file in DASHBOARDS:
            (FOLDER / file).write_text(rendered(file), encoding="utf-8")
        return 0
    stale = [file for file in DASHBOARDS if not _is_current(file)]
    if stale:
        print(f"{', '.join(stale)}: run `python -m deploy.grafana.render_dashboards`", file=sys.stderr)
    return 1 if stale else 0


def _is_current(file: str) -> bool:
    path = FOLDER / file
    return path.is_file() and path.read_text(encoding="utf-8") == rendered(file)


if __name__ == "__main__":
    sys.exit(main())
