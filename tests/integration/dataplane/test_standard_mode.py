"""Standard mode, and HTTPRoutes between two InferenceServices."""

from __future__ import annotations

from typing import Any

import httpx
import kubernetes
import pytest

from .conftest import SECONDS, Model, answers, condition, traffic


def _serves(status: dict[str, Any]) -> bool:
    ready = condition(status, "Ready")["status"] == "True"
    return ready and bool(status["modelStatus"]["transitionStatus"] == "UpToDate")


def test_the_percentage_is_ignored_and_an_update_fails_no_request(model: Model) -> None:
    model.apply("one", mode="Standard")
    status = model.until(_serves)
    assert status["deploymentMode"] == "Standard"
    assert traffic(status) == {}
    assert status["observedGeneration"] == 1
    model.apply("two", 10, mode="Standard")
    model.until(lambda status: status["observedGeneration"] == 2)
    status = model.until(_serves)
    assert answers(status["url"], 50) == {"two": 50}


def test_a_bad_update_keeps_ready(model: Model) -> None:
    model.apply("one", mode="Standard")
    model.until(_serves)
    model.apply("corrupt", mode="Standard")
    status = model.until(lambda status: status["modelStatus"]["transitionStatus"] == "BlockedByFailedLoad")
    assert condition(status, "Ready")["status"] == "True"
    assert answers(status["url"], 20) == {"one": 20}


def test_the_deployment_mode_is_fixed(model: Model) -> None:
    model.apply("one", mode="Standard")
    model.until(_serves)
    with pytest.raises(kubernetes.client.ApiException, match="deploymentMode cannot be changed"):
        model.apply("one", mode="Knative")


def test_an_http_route_splits_by_weight(model: Model) -> None:
    for name, text in (("stable", "one"), ("canary", "two")):
        model.apply(text, mode="Standard", name=name)
    base = model.until(_serves, name="stable")["url"].rsplit("/", 1)[0]
    model.until(_serves, name="canary")
    for weight in (20, 60):
        route = model.route("churn", {"stable": 100 - weight, "canary": weight})
        found = model.until_routed("churn", route["metadata"]["generation"])
        states = {each["type"]: each["status"] for each in found["status"]["parents"][0]["conditions"]}
        assert states == {"Accepted": "True", "ResolvedRefs": "True"}
        shares = answers(f"{base}/churn", 1500)
        assert abs(shares["two"] / 1500 - weight / 100) < 0.065
    response = httpx.get(f"{base}/churn/v1/models/x", timeout=SECONDS)
    assert response.json()["path"] == "/v1/models/x"


def test_an_unknown_backend_is_reported_and_its_weight_is_a_503(model: Model) -> None:
    model.apply("one", mode="Standard", name="stable")
    base = model.until(_serves, name="stable")["url"].rsplit("/", 1)[0]
    route = model.route("churn", {"stable": 0, "missing": 100})
    found = model.until_routed("churn", route["metadata"]["generation"])
    resolved = found["status"]["parents"][0]["conditions"][1]
    assert (resolved["status"], resolved["reason"]) == ("False", "BackendNotFound")
    assert "missing-predictor" in resolved["message"]
    assert httpx.get(f"{base}/churn/v1/models/x", timeout=SECONDS).status_code == 503


def test_a_host_name_limits_a_route(model: Model) -> None:
    model.apply("one", mode="Standard", name="stable")
    base = model.until(_serves, name="stable")["url"].rsplit("/", 1)[0]
    route = model.route("churn", {"stable": 1}, hostnames=["churn.example.com"])
    model.until_routed("churn", route["metadata"]["generation"])
    url = f"{base}/churn/v1/models/x"
    assert httpx.get(url, timeout=SECONDS).status_code == 404
    answer = httpx.get(url, headers={"host": "churn.example.com"}, timeout=SECONDS)
    assert answer.json()["text"] == "one"
