"""The dashboards: what Grafana needs of them, and what people do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deploy.grafana.dashboards import DASHBOARDS as MADE
from tests.unit.observability.queries import DASHBOARDS, Asked, of_dashboards, panels

pytestmark = pytest.mark.unit

BUILT_IN = {"__rate_interval"}


def name_of(dashboard: Path) -> str:
    return dashboard.stem


def where(asked: Asked) -> str:
    return asked.where


def test_every_file_is_one_that_is_made_here() -> None:
    assert {path.name for path in DASHBOARDS} == set(MADE)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=name_of)
def test_a_dashboard_lets_one_choose_its_prometheus_and_is_found_by_a_fixed_address(dashboard: Path) -> None:
    content = json.loads(dashboard.read_text())
    source = content["templating"]["list"][0]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    assert content["uid"] == dashboard.stem
    assert content["title"]
    assert content["description"]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=name_of)
def test_every_panel_has_a_title_a_description_a_unit_and_the_chosen_prometheus(dashboard: Path) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    found = panels(dashboard)
    assert len({panel["title"] for panel in found}) == len(found)
    assert len({panel["id"] for panel in found}) == len(found)
    for panel in found:
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=name_of)
def test_no_panel_lies_upon_another(dashboard: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in json.loads(dashboard.read_text())["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} lies upon {taken[x, y]}"
                taken[x, y] = panel["title"]


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=name_of)
def test_every_variable_is_declared_and_used(dashboard: Path) -> None:
    text = dashboard.read_text()
    declared = {variable["name"] for variable in json.loads(text)["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", text)) - BUILT_IN - {"__data"}
    assert used == declared


@pytest.mark.parametrize("asked", of_dashboards(), ids=where)
def test_rates_go_over_what_grafana_finds_fit(asked: Asked) -> None:
    assert set(re.findall(r"\[([^\]]+)\]", asked.promql)) <= {"$__rate_interval"}


def test_thresholds_of_analysis_and_gate_are_drawn_from_what_the_operator_exports() -> None:
    drawn = {asked.promql.split("{")[0].split("(")[-1] for asked in of_dashboards() if "threshold" in asked.promql}
    assert drawn == {"churn_operator_analysis_threshold", "churn_operator_model_gate_threshold"}
