"""The rules as Prometheus' own tool reads them, and as Prometheus loads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.observability.queries import DEPLOY, RULES, alerts

pytestmark = pytest.mark.cluster

TESTS = RULES.with_name("churn.rules_test.yaml")
SECONDS = 120


def run(promtool: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([promtool, *arguments], check=False, capture_output=True, text=True, timeout=SECONDS)


def test_the_rules_are_valid_and_without_lint(promtool: Path) -> None:
    done = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stderr
    assert f"{len(alerts())} rules found" in done.stdout


def test_each_alert_fires_on_what_it_is_about(promtool: Path) -> None:
    done = run(promtool, "test", "rules", TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_alert_is_without_a_test_that_it_fires(promtool: Path, tmp_path: Path) -> None:
    """Alerts that never fire fail their tests."""
    shutil.copy(TESTS, tmp_path)
    rules = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = "vector(1) == 0"
    (tmp_path / RULES.name).write_text(yaml.safe_dump(rules))
    done = run(promtool, "test", "rules", tmp_path / TESTS.name)
    missed = set(re.findall(r"alertname: (\w+)", done.stdout + done.stderr))
    assert missed == {alert["alert"] for alert in alerts()}


def test_kustomize_makes_a_config_map_of_the_dashboards_and_takes_the_rule(kubectl_binary: Path) -> None:
    for folder, kind in (("grafana", "ConfigMap"), ("prometheus", "PrometheusRule")):
        done = run(kubectl_binary, "kustomize", DEPLOY / folder)
        assert done.returncode == 0, done.stderr
        assert f"kind: {kind}\n" in done.stdout
