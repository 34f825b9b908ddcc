"""The alert rules: both forms of them, and a runbook for whoever is woken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prometheus.prometheus_rule import PROMETHEUS_RULE
from tests.unit.observability.queries import RULES, alerts, without_threshold

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).parents[3]
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
ADDRESS = "https://github.com/churnops/churn-operator/blob/main/"
HEADINGS = ["Meaning", "Impact", "How to look", "What to do"]


def name_of(alert: dict[str, Any]) -> str:
    return str(alert["alert"])


def test_the_prometheus_rule_is_the_rules_file() -> None:
    rule = yaml.safe_load(PROMETHEUS_RULE.read_text())
    assert rule["spec"] == yaml.safe_load(RULES.read_text())


@pytest.mark.parametrize("alert", alerts(), ids=name_of)
def test_an_alert_says_how_bad_it_is_and_what_and_where_to_read_on(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["runbook_url"] == f"{ADDRESS}docs/runbooks/{alert['alert']}.md"


@pytest.mark.parametrize("alert", alerts(), ids=name_of)
def test_its_runbook_tells_meaning_impact_and_what_to_do(alert: dict[str, Any]) -> None:
    page = (RUNBOOKS / f"{alert['alert']}.md").read_text()
    assert page.startswith(f"# {alert['alert']}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS
    sections = re.split(r"^## .+$", page, flags=re.MULTILINE)[1:]
    assert all(len(section.strip()) > 40 for section in sections)
    assert "kubectl" in sections[HEADINGS.index("How to look")]
    assert re.search(r"^1\. ", sections[HEADINGS.index("What to do")], re.MULTILINE)


def test_every_runbook_has_an_alert_and_a_line_in_the_index() -> None:
    expected = {f"{alert['alert']}.md" for alert in alerts()}
    assert {page.name for page in RUNBOOKS.glob("*.md")} == {*expected, "index.md"}
    listed = re.findall(r"^\| \[(\w+)\]\((\S+)\) \| (\w+) \|", (RUNBOOKS / "index.md").read_text(), re.MULTILINE)
    severities = {(alert["alert"], f"{alert['alert']}.md", alert["labels"]["severity"]) for alert in alerts()}
    assert set(listed) == severities


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("rate(a[5m]) / rate(b[5m]) > 0.01", "rate(a[5m]) / rate(b[5m])"),
        ("absent(up == 1)", "up"),
        ('max(c{type="Ready",status!="True"})', 'max(c{type="Ready"})'),
        ('c{type="Stalled",status="True"} == 1', 'c{type="Stalled"}'),
        ("time() - a\n  < 3600", "time() - a"),
    ],
)
def test_what_is_left_of_an_alert_without_its_threshold(expression: str, left: str) -> None:
    assert without_threshold(expression) == left
