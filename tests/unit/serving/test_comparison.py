"""Mirrored requests: compared once answered, counted, and nobody's burden."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from churn_serving.comparison import Comparer, Mirrored, share_of_other_classes
from churn_serving.metrics import ComparisonMetrics, ModelIdentity
from churn_serving.settings import Peer
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from tests.unit.serving.application import Served, serve
from tests.unit.serving.payloads import inputs
from tests.unit.serving.telco import CUSTOMER

pytestmark = pytest.mark.unit

PREDICT, INFER = "/v1/models/churn:predict", "/v2/models/churn/infer"
COPY = {"x-churn-mirrored-to": "2"}
ANSWER = {"predictions": [{"class": "Yes", "probability": 0.9}]}


class ByTenure:
    """Everybody who stays less than `months` churns."""

    def __init__(self, months: float) -> None:
        self._months = months

    def probabilities(self, rows: list[list[Any]]) -> NDArray[np.float64]:
        return np.array([0.9 if row[1] < self._months else 0.1 for row in rows])


def comparing_with(transport: httpx.AsyncBaseTransport, seconds: float = 3.0) -> Served:
    """Version 2, in whose place half of the customers churn, compared with version 1 behind `transport`."""

    def compares(identity: ModelIdentity, metrics: ComparisonMetrics) -> Comparer:
        return Comparer(Peer("http://stable/below", "1"), identity, metrics, transport, seconds)

    return serve(ByTenure(20), version="2", compares=compares)


def pair() -> tuple[Served, Served]:
    """Version 1, and version 2 that is compared with it."""
    stable = serve(ByTenure(10), version="1")

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await stable.application({**scope, "path": scope["path"].removeprefix("/below")}, receive, send)

    return stable, comparing_with(httpx.ASGITransport(below))


def customers(*tenures: int) -> list[dict[str, Any]]:
    return [{**CUSTOMER, "tenure": tenure} for tenure in tenures]


async def post(served: Served, body: Any, path: str = PREDICT, **headers: str) -> httpx.Response:
    async with served.client() as client:
        return await client.post(path, content=orjson.dumps(body), headers={**COPY, **headers})


def compared(served: Served) -> tuple[float, float, float]:
    """Mirrored requests, comparisons, disagreements."""
    return (
        served.sample("churn_mirrored_requests_total"),
        served.sample("churn_mirrored_comparisons_total", compared_with="1"),
        served.sample("churn_mirrored_disagreements_total", compared_with="1"),
    )


def failures(served: Served, reason: str) -> float:
    return served.sample("churn_mirrored_comparison_failures_total", compared_with="1", reason=reason)


async def test_a_mirrored_request_is_compared_class_by_class() -> None:
    _, candidate = pair()
    for tenures in ((5,), (15,), (25,), (5, 15, 15, 25)):
        assert (await post(candidate, {"instances": customers(*tenures)})).status_code == 200
    assert compared(candidate) == (4, 4, 1.5)


@pytest.mark.parametrize("outputs", [["class", "probability"], ["class"], ["probability"], None])
async def test_whatever_outputs_a_client_of_the_other_protocol_asks_for(outputs: list[str] | None) -> None:
    _, candidate = pair()
    tensors = [{**each, "data": [5, 15]} if each["name"] == "tenure" else each for each in inputs(2)]
    body = {"inputs": tensors, "outputs": [{"name": name} for name in outputs or []]}
    assert (await post(candidate, body, INFER)).status_code == 200
    assert compared(candidate) == (1, 1, 0.5)


async def test_what_the_other_version_is_asked_is_no_traffic_of_it() -> None:
    stable, candidate = pair()
    await post(candidate, {"instances": customers(5, 15)})
    assert stable.sample("churn_comparison_answers_total", code="200") == 1
    assert stable.sample("churn_prediction_requests_total", protocol="v1", code="200") == 0
    assert stable.sample("churn_prediction_duration_seconds_count", protocol="v1") == 0
    assert stable.sample("churn_prediction_instances_total") == 0
    assert stable.sample("churn_prediction_score_count") == 0
    assert candidate.sample("churn_prediction_requests_total", protocol="v1", code="200") == 1
    assert candidate.sample("churn_prediction_score_count") == 2


async def test_a_refusal_to_another_version_is_no_error_of_the_traffic() -> None:
    stable, _ = pair()
    answer = await post(stable, {"instances": [{}]}, **{"x-churn-compared-by": "2"})
    assert answer.status_code == 400
    assert stable.sample("churn_comparison_answers_total", code="400") == 1
    assert stable.sample("churn_prediction_errors_total", reason="MissingField") == 0
    assert not [line for line in stable.registry.collect() if line.name == "churn_prediction_errors" and line.samples]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-churn-mirrored-to": "3"},
        {"x-churn-mirrored-to": ""},
        {"x-churn-mirrored-to": "2", "x-churn-compared-by": "3"},
    ],
)
async def test_only_copies_for_this_version_are_compared_and_comparisons_never(headers: dict[str, str]) -> None:
    stable, candidate = pair()
    assert (await post(candidate, {"instances": customers(15)}, **headers)).status_code == 200
    assert compared(candidate) == (0, 0, 0)
    assert stable.sample("churn_comparison_answers_total", code="200") == 0


async def test_a_version_that_is_compared_with_nobody_only_counts_copies() -> None:
    alone = serve(ByTenure(20), version="2")
    await post(alone, {"instances": customers(15)})
    assert compared(alone) == (1, 0, 0)


async def test_what_this_version_could_not_answer_is_not_compared() -> None:
    stable, candidate = pair()
    assert (await post(candidate, {"instances": [{}]})).status_code == 400
    assert compared(candidate) == (1, 0, 0)
    assert stable.sample("churn_comparison_answers_total", code="400") == 0


def answering(status: int, body: Any, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    told = {"x-churn-model-version": "1", **headers}
    return lambda _: httpx.Response(status, content=content, headers=told)


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def cut_off(request: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("the server left", request=request)


def slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too late", request=request)


@pytest.mark.parametrize(
    ("peer", "reason"),
    [
        (unreachable, "Unreachable"),
        (cut_off, "Unreachable"),
        (slow, "TimedOut"),
        (answering(400, {"error": "no such column"}), "Refused"),
        (answering(302, b""), "Refused"),
        (answering(503, b"no healthy upstream"), "Failed"),
        (answering(200, ANSWER, **{"x-churn-model-version": "7"}), "OtherVersion"),
        (answering(200, b"<html>"), "Unreadable"),
        (answering(200, []), "Unreadable"),
        (answering(200, {"predictions": []}), "Unreadable"),
        (answering(200, {"predictions": ["Yes"]}), "Unreadable"),
        (answering(200, {"outputs": [{"name": "probability", "data": [0.9]}]}), "Unreadable"),
    ],
)
async def test_what_the_other_version_did_not_answer_is_no_disagreement(
    peer: Callable[[httpx.Request], httpx.Response], reason: str
) -> None:
    candidate = comparing_with(httpx.MockTransport(peer))
    answer = await post(candidate, {"instances": customers(15)})
    assert (answer.status_code, answer.json()["predictions"][0]["class"]) == (200, "Yes")
    assert compared(candidate) == (1, 0, 0)
    assert failures(candidate, reason) == 1


class Gate(httpx.AsyncBaseTransport):
    """A peer that answers when it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await self.opened.wait()
        return answering(200, ANSWER)(request)


async def ask_as_a_server_does(served: Served) -> tuple[asyncio.Future[bytes], asyncio.Task[None]]:
    """The answer's body, and the whole of the handling: with a client in between one could not tell them apart."""
    body = orjson.dumps({"instances": customers(5)})
    sent: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            sent.set_result(message["body"])

    headers = [(name.encode(), value.encode()) for name, value in COPY.items()]
    scope = {"type": "http", "method": "POST", "path": PREDICT, "headers": headers, "query_string": b""}
    return sent, asyncio.create_task(served.application(scope, receive, send))


async def test_the_answer_is_sent_before_the_other_version_is_asked_and_beyond_a_bound_nothing_waits() -> None:
    gate = Gate()
    candidate = comparing_with(gate)
    pairs = [await ask_as_a_server_does(candidate) for _ in range(70)]
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*(sent for sent, _ in pairs))
    assert {orjson.loads(answer)["predictions"][0]["class"] for answer in answers} == {"Yes"}
    assert compared(candidate) == (70, 0, 0)
    assert gate.asked == 4
    assert failures(candidate, "Dropped") == 6
    gate.opened.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*(handled for _, handled in pairs))
    assert compared(candidate) == (70, 64, 0)
    await post(candidate, {"instances": customers(5)})
    assert compared(candidate) == (71, 65, 0)


async def test_those_that_wait_for_their_turn_give_up_too() -> None:
    candidate = comparing_with(Gate(), seconds=0.05)
    handled = [(await ask_as_a_server_does(candidate))[1] for _ in range(10)]
    async with asyncio.timeout(10):
        await asyncio.gather(*handled)
    assert failures(candidate, "TimedOut") == 10


async def test_large_requests_do_not_fill_the_memory() -> None:
    identity = ModelIdentity("churn", "2", "0" * 64)
    comparer = Comparer(Peer("http://stable", "1"), identity, ComparisonMetrics(identity, CollectorRegistry()), Gate())
    large = Mirrored("v1", b"x" * 2**20, ANSWER)
    accepted = [comparer.accept(large) for _ in range(10)]
    assert [task is not None for task in accepted] == [True] * 8 + [False] * 2


async def test_a_draining_server_compares_no_more() -> None:
    stable, _ = pair()

    def compares(identity: ModelIdentity, metrics: ComparisonMetrics) -> Comparer:
        return Comparer(Peer("http://stable", "1"), identity, metrics, httpx.ASGITransport(stable.application))

    leaving = serve(ByTenure(20), version="2", is_draining=True, compares=compares)
    await post(leaving, {"instances": customers(5)})
    assert compared(leaving) == (1, 0, 0)


def test_other_labels_are_other_classes() -> None:
    theirs = {"predictions": [{"class": "True", "probability": 0.9}]}
    assert share_of_other_classes(ANSWER, theirs) == 1.0
