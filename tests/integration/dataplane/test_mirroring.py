"""RequestMirror: the shadow sees the requests, and the client sees nothing of the shadow."""

from __future__ import annotations

import time
from typing import Any

import httpx
import kubernetes
import pytest

from .conftest import SECONDS, Model, condition, until

_REQUESTS = 400


def _serve(model: Model, **texts: str) -> dict[str, str]:
    """Two InferenceServices in Standard mode; the URL of each."""
    for name, text in texts.items():
        model.apply(text, mode="Standard", name=name)
    return {
        name: model.until(lambda status: condition(status, "Ready")["status"] == "True", name=name)["url"]
        for name in texts
    }


def _mirror(model: Model, **share: Any) -> str:
    """A route to `stable` that mirrors to `shadow`; its URL."""
    mirror = {"backendRef": {"name": "shadow-predictor", "port": 80}, **share}
    route = model.route("churn", {"stable": 100}, mirrors=[mirror])
    found = model.until_routed("churn", route["metadata"]["generation"])
    states = {each["type"]: each["status"] for each in found["status"]["parents"][0]["conditions"]}
    assert states == {"Accepted": "True", "ResolvedRefs": "True"}
    return model.status("stable")["url"].rsplit("/", 1)[0] + "/churn"


def _seen(url: str) -> int:
    return int(_look(url)["seen"])


def _look(url: str) -> Any:
    """What the server behind it says of the requests that it saw."""
    return httpx.get(f"{url}/", timeout=SECONDS).json()


def _all_seen(url: str) -> int:
    """How many it saw once no more come: nobody waits for a copy."""
    seen, since = _seen(url), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.1)
        now = _seen(url)
        if now != seen:
            seen, since = now, time.monotonic()
    return seen


def _ask(url: str, requests: int) -> tuple[list[str], float]:
    """Who answered, and the longest wait in seconds."""
    answers, longest = [], 0.0
    with httpx.Client(timeout=SECONDS) as client:
        for _ in range(requests):
            started = time.monotonic()
            response = client.post(f"{url}/v1/models/churn:predict", json={})
            longest = max(longest, time.monotonic() - started)
            response.raise_for_status()
            answers.append(response.json()["text"])
    return answers, longest


def test_a_failing_shadow_sees_every_request_and_no_client_sees_it(model: Model) -> None:
    urls = _serve(model, stable="one", shadow="failing")
    url = _mirror(model)
    answers, _ = _ask(url, _REQUESTS)
    assert set(answers) == {"one"}
    until(lambda: _seen(urls["shadow"]) == _REQUESTS, "the shadow saw all requests")
    assert _seen(urls["stable"]) == _REQUESTS
    assert _look(urls["shadow"])["last"] == _look(urls["stable"])["last"], "the copy has the same host and path"


def test_nobody_waits_for_a_slow_shadow(model: Model) -> None:
    urls = _serve(model, stable="one", shadow="slow")
    answers, longest = _ask(_mirror(model), 20)
    assert set(answers) == {"one"}
    assert longest < 15, "it answers after 20 s"
    until(lambda: _seen(urls["shadow"]) == 20, "the shadow saw all requests")


@pytest.mark.parametrize("share", [{"percent": 25}, {"fraction": {"numerator": 1, "denominator": 4}}])
def test_a_share_is_mirrored(model: Model, share: dict[str, Any]) -> None:
    urls = _serve(model, stable="one", shadow="two")
    _ask(_mirror(model, **share), 1200)
    # Five standard deviations.
    assert abs(_all_seen(urls["shadow"]) / 1200 - 0.25) < 0.0625


def test_a_shadow_that_is_gone_is_reported_and_harms_nobody(model: Model) -> None:
    _serve(model, stable="one", shadow="two")
    url = _mirror(model)
    model.delete("shadow")
    until(lambda: not model.exists("shadow"), "the shadow is gone")
    assert set(_ask(url, 50)[0]) == {"one"}
    route = model.route("churn", {"stable": 100}, mirrors=[{"backendRef": {"name": "shadow-predictor", "port": 80}}])

    def unresolved() -> bool:
        found = model.until_routed("churn", route["metadata"]["generation"])
        resolved = found["status"]["parents"][0]["conditions"][1]
        return bool((resolved["status"], resolved["reason"]) == ("False", "BackendNotFound"))

    until(unresolved, "the missing Service is reported")


@pytest.mark.parametrize(
    ("share", "message"),
    [
        ({"percent": 10, "fraction": {"numerator": 1}}, "Only one of percent or fraction"),
        ({"percent": 101}, "less than or equal to 100"),
        ({"fraction": {"numerator": 5, "denominator": 4}}, "numerator must be less than or equal to denominator"),
    ],
)
def test_what_the_gateway_api_refuses_is_refused(model: Model, share: dict[str, Any], message: str) -> None:
    mirror = {"backendRef": {"name": "shadow-predictor", "port": 80}, **share}
    with pytest.raises(kubernetes.client.ApiException, match=message):
        model.route("churn", {"stable": 100}, mirrors=[mirror])
