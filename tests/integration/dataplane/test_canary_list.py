"""spec.canary[] of Standard mode: shares, promotion without a restart, and a canary that fails."""

from __future__ import annotations

from typing import Any

import kubernetes
import pytest

from .conftest import Client, Model, answers, ask, condition, is_alive, until

_REQUESTS = 1500


def _is_ready(status: dict[str, Any]) -> bool:
    return bool(condition(status, "Ready")["status"] == "True")


def _canaries_are_ready(status: dict[str, Any]) -> bool:
    found = condition(status, "CanaryPredictorReady")
    return bool((found["status"], found.get("reason")) == ("True", "AllCanariesReady"))


def _at(percent: int) -> Any:
    def reached(status: dict[str, Any]) -> bool:
        canary = {"name": "v2", "ready": True, "trafficPercent": percent, "modelStatus": {"transitionStatus": ""}}
        return bool(status.get("canaryStatuses") == [canary])

    return reached


def _pid(url: str, text: str) -> int:
    """Process that answers with this text."""
    found = (ask(url) for _ in range(500))
    return next(int(each["pid"]) for each in found if each["text"] == text)


def test_from_10_to_50_to_promotion_without_a_restart_and_without_a_failed_request(model: Model) -> None:
    model.apply_canary("one")
    url = model.until(_is_ready)["url"]
    stable = _pid(url, "one")
    with Client(url) as client:
        for percent in (10, 50):
            model.apply_canary("one", ("v2", "two", percent))
            status = model.until(_at(percent))
            assert _canaries_are_ready(status)
            shares = answers(url, _REQUESTS)
            # Five standard deviations of a fair split.
            assert abs(shares["two"] / _REQUESTS - percent / 100) < 0.065
        canary = _pid(url, "two")
        model.apply_canary("two", name="v2")
        model.until(lambda status: "canaryStatuses" not in status and _is_ready(status))
        until(lambda: not is_alive(stable), "the old predictor is gone")
        assert answers(url, 50) == {"two": 50}
    assert _pid(url, "two") == canary, "the canary became the predictor as it was"
    assert client.failures == []
    assert set(client.texts) == {"one", "two"}
    status = model.until_settled()["status"]
    assert condition(status, "CanaryPredictorReady") == {"status": ""}
    assert status["modelStatus"]["transitionStatus"] == "UpToDate"


def test_a_canary_that_fails_gets_nothing_and_leaves_ready_alone(model: Model) -> None:
    model.apply_canary("one")
    url = model.until(_is_ready)["url"]
    with Client(url) as client:
        model.apply_canary("one", ("v2", "corrupt", 50))
        status = model.until(lambda status: condition(status, "CanaryPredictorReady")["status"] == "False")
        assert condition(status, "CanaryPredictorReady")["reason"] == "CanariesNotReady"
        assert condition(status, "CanaryPredictorReady")["severity"] == "Info"
        assert _is_ready(status)
        assert answers(url, 100) == {"one": 100}
        model.apply_canary("one")
        model.until(lambda status: "canaryStatuses" not in status)
    assert client.failures == []
    assert set(client.texts) == {"one"}


def test_a_rolled_back_canary_ends(model: Model) -> None:
    model.apply_canary("one")
    url = model.until(_is_ready)["url"]
    model.apply_canary("one", ("v2", "two", 50))
    model.until(_at(50))
    canary = _pid(url, "two")
    with Client(url) as client:
        model.apply_canary("one")
        until(lambda: not is_alive(canary), "the canary is gone")
        assert answers(url, 50) == {"one": 50}
    assert client.failures == []


@pytest.mark.parametrize(
    ("canaries", "message"),
    [
        ([("v2", "two", 101)], "trafficPercent must be between 0 and 100"),
        ([("v2", "two", 60), ("v3", "three", 60)], "sum of canary trafficPercent values must be"),
        ([("v2", "two", 10), ("v2", "three", 10)], "predictor.name is duplicated"),
        ([("", "two", 10)], "predictor.name"),
    ],
)
def test_what_the_webhook_refuses(model: Model, canaries: list[tuple[str, str, int]], message: str) -> None:
    with pytest.raises(kubernetes.client.ApiException, match=message):
        model.apply_canary("one", *canaries)


def test_more_replicas_than_the_predictor_are_refused(model: Model) -> None:
    with pytest.raises(kubernetes.client.ApiException, match="minReplicas must not exceed"):
        model.apply_canary("one", ("v2", "two", 10), minReplicas=2)


def test_a_name_alone_is_no_promotion(model: Model) -> None:
    model.apply_canary("one")
    with pytest.raises(kubernetes.client.ApiException, match=r"predictor\.name change requires a model change"):
        model.apply_canary("one", name="v2")


def test_knative_has_no_canary_list(model: Model) -> None:
    manifest = model.manifest("one", mode="Knative")
    manifest["spec"]["canary"] = [{"trafficPercent": 10, "predictor": {"name": "v2"}}]
    with pytest.raises(kubernetes.client.ApiException, match="only supported in Standard deployment mode"):
        model.apply_manifest(manifest)


@pytest.mark.slow
def test_ten_promotions_and_ten_rollbacks_fail_none_of_5000_requests(model: Model) -> None:
    model.apply_canary("m0")
    url = model.until(_is_ready)["url"]
    stable, name = "m0", None
    with Client(url) as client:
        for number in range(1, 11):
            bad, good = f"bad{number}", f"m{number}"
            model.apply_canary(stable, (f"b{number}", bad, 30), name=name)
            model.until(_canaries_are_ready)
            model.apply_canary(stable, name=name)
            model.until(lambda status: "canaryStatuses" not in status)
            model.apply_canary(stable, (f"v{number}", good, 50), name=name)
            model.until(_canaries_are_ready)
            stable, name = good, f"v{number}"
            model.apply_canary(stable, name=name)
            model.until(lambda status: "canaryStatuses" not in status and _is_ready(status))
        until(lambda: client.texts.total() >= 5000, "5000 requests", seconds=400)
        until(lambda: stable in client.texts, "the last promoted one answers")
    assert client.failures == []
    assert {f"m{number}" for number in range(11)} <= set(client.texts)
    print(f"{client.texts.total()} requests, none failed")
