"""Every query of the dashboards and of the alerts gives an answer, asked of a real Prometheus about a real rollout."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from churn_devcluster.waiting import wait_until

from tests.integration.observability.conftest import CANDIDATE, Live
from tests.unit.observability.queries import Asked, alerts, of_alerts, of_dashboards

pytestmark = pytest.mark.cluster

SECONDS = 240


def where(asked: Asked) -> str:
    return asked.where


def filled(promql: str, variables: Mapping[str, str]) -> str:
    """PromQL as Grafana sends it: with its variables replaced."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables[match[1]], promql)


def answer(live: Live, promql: str) -> list[dict[str, Any]]:
    """What Prometheus answers once there is something; the series of a new pod take a scrape or two. A version that
    nobody asked of late has no mean and no quantile, which is NaN."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = [each for each in live.cluster.prometheus.query(promql) if each["value"][1] != "NaN"]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


@pytest.mark.parametrize("asked", of_dashboards(), ids=where)
def test_a_panel_has_something_to_show(asked: Asked, live: Live) -> None:
    assert answer(live, filled(asked.promql, live.variables)), asked.promql


@pytest.mark.parametrize("asked", of_alerts(), ids=where)
def test_an_alert_looks_at_something(asked: Asked, live: Live) -> None:
    assert answer(live, asked.promql), asked.promql


def test_the_variables_of_the_dashboards_offer_what_is_there(live: Live) -> None:
    url = f"{live.cluster.prometheus.url}/api/v1/label"
    values = {
        label: httpx.get(f"{url}/{label}/values", params={"match[]": metric}, trust_env=False, timeout=60).json()[
            "data"
        ]
        for label, metric in (
            ("namespace", "churn_operator_model_condition"),
            ("name", "churn_operator_model_condition"),
            ("job", "churn_operator_queue_depth"),
        )
    }
    assert values == {
        "namespace": [live.story.namespace],
        "name": sorted([live.story.name, "stalled"]),
        "job": ["churn-operator"],
    }


def test_the_failing_canary_and_nobody_else_is_over_the_threshold(live: Live) -> None:
    expression = next(alert["expr"] for alert in alerts() if alert["alert"] == "ChurnModelServerErrors")
    found = answer(live, expression)
    assert [each["metric"] for each in found] == [
        {"namespace": live.story.namespace, "model": live.story.name, "version": str(CANDIDATE)}
    ]


def test_no_alert_about_the_operator_is_over_its_threshold(live: Live) -> None:
    expressions = {alert["alert"]: alert["expr"] for alert in alerts() if alert["alert"].startswith("ChurnOperator")}

    def over() -> list[str]:
        return [name for name, promql in expressions.items() if live.cluster.prometheus.query(promql)]

    # For longer than a moment: a busy machine misses a scrape, and each of them waits for minutes before it fires.
    wait_until(lambda: not over(), "no alert over its threshold", SECONDS)
