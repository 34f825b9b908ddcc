"""The Hooks port against a receiver that checks signatures."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from churn_operator.adapters.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, Webhooks
from churn_operator.api.v1alpha1.rollout import Hook
from churn_operator.core.actions import Event, EventType
from churn_operator.core.hooks import HookAnswer, HookCall, event_metadata
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import Rejected, Transient

from tests.integration.adapters.receiver import Receiver, until

pytestmark = pytest.mark.cluster

_KEY = b"a secret between two"
_NOW = 1_785_585_600.0


class Secrets:
    """The API server, for Secrets."""

    def __init__(self, **data: bytes) -> None:
        self.data = {name: base64.b64encode(value).decode() for name, value in data.items()}

    async def get(self, path: str) -> Any:
        return {"data": self.data} if path == "/api/v1/namespaces/shop/secrets/hook-key" else None


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    running = Webhooks(Secrets(key=_KEY), clock=lambda: _NOW, patience=120)  # type: ignore[arg-type]
    yield running
    await running.close()


def _call(url: str, **settings: Any) -> HookCall:
    hook = Hook.model_validate({"name": "load-test", "type": "confirm-promotion", "url": url, **settings})
    return HookCall(ObjectKey("shop", "telco"), hook, "WaitingPromotion", "0123abcd", (("version", "4"),))


async def test_a_receiver_of_flagger_understands_the_payload(webhooks: Webhooks, receiver: Receiver) -> None:
    assert await webhooks.ask(_call(receiver.url)) == HookAnswer(True)
    [got] = receiver.received
    assert json.loads(got.body) == {
        "name": "telco",
        "namespace": "shop",
        "phase": "WaitingPromotion",
        "checksum": "0123abcd",
        "type": "confirm-promotion",
        "hook": "load-test",
        "metadata": {"version": "4"},
    }
    assert got.headers["Content-Type"] == "application/json"
    assert SIGNATURE_HEADER not in got.headers


async def test_the_signature_is_of_timestamp_and_body(webhooks: Webhooks, receiver: Receiver) -> None:
    await webhooks.ask(_call(receiver.url, secretRef={"name": "hook-key"}))
    [got] = receiver.received
    assert got.headers[TIMESTAMP_HEADER] == str(int(_NOW))
    signed = got.headers[TIMESTAMP_HEADER].encode() + b"." + got.body
    expected = "sha256=" + hmac.new(_KEY, signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(got.headers[SIGNATURE_HEADER], expected)


@pytest.mark.parametrize("status", [300, 307, 400, 403, 404, 500])
async def test_any_other_status_does_not_confirm_and_shows_what_it_said(
    webhooks: Webhooks, receiver: Receiver, status: int
) -> None:
    receiver.statuses, receiver.text = [status], "not before Monday " * 50
    answer = await webhooks.ask(_call(receiver.url))
    assert not answer.confirmed
    assert answer.message == f"status {status}: {receiver.text[:200]}".rstrip()
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_2xx_confirms(webhooks: Webhooks, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    assert (await webhooks.ask(_call(receiver.url))).confirmed


async def test_a_gateways_excuse_is_tried_again(webhooks: Webhooks, receiver: Receiver) -> None:
    receiver.statuses = [503, 502, 200]
    assert (await webhooks.ask(_call(receiver.url, retries=2))).confirmed
    assert len(receiver.received) == 3


async def test_retries_are_bounded(webhooks: Webhooks, receiver: Receiver) -> None:
    receiver.statuses = [503]
    answer = await webhooks.ask(_call(receiver.url, retries=1))
    assert not answer.confirmed
    assert len(receiver.received) == 2


async def test_nobody_there_is_no_answer(webhooks: Webhooks, closed_port: int) -> None:
    with pytest.raises(Transient, match=r"hook load-test: .*cannot be reached"):
        await webhooks.ask(_call(f"http://127.0.0.1:{closed_port}/", retries=0))


async def test_an_answer_that_takes_too_long_is_none(webhooks: Webhooks, silent_port: int) -> None:
    with pytest.raises(Transient, match="did not answer within 1 s"):
        await webhooks.ask(_call(f"http://127.0.0.1:{silent_port}/", retries=0, timeout="1s"))


@asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Port of a server that says this to every request, and the requests' heads."""
    heads: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        found = re.search(rb"Content-Length: (\d+)", heads[-1])
        await reader.readexactly(int(found[1]) if found else 0)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], heads


async def test_an_answer_that_is_no_http_is_told_without_the_path_which_may_be_a_secret(webhooks: Webhooks) -> None:
    async with _answering(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as (port, _):
        with pytest.raises(Transient, match=f"what http://127.0.0.1:{port} answered is not HTTP") as caught:
            await webhooks.ask(_call(f"http://127.0.0.1:{port}/services/T0/secret", retries=0))
    assert "secret" not in str(caught.value)


async def test_an_unknown_charset_does_not_matter(webhooks: Webhooks) -> None:
    said = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=klingon\r\nContent-Length: 7\r\n\r\nnot yet"
    async with _answering(said) as (port, _):
        answer = await webhooks.ask(_call(f"http://127.0.0.1:{port}/"))
    assert answer == HookAnswer(False, "status 403: not yet")


async def test_a_cookie_is_not_sent_with_the_next_call(webhooks: Webhooks) -> None:
    said = b"HTTP/1.1 200 OK\r\nSet-Cookie: team=one\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with _answering(said) as (port, heads):
        for _ in range(2):
            await webhooks.ask(_call(f"http://localhost:{port}/"))
    assert len(heads) == 2
    assert b"Cookie" not in heads[1]


async def test_a_slow_answer_is_for_a_later_pass_and_asked_for_once(receiver: Receiver) -> None:
    webhooks = Webhooks(Secrets(), patience=0.05)  # type: ignore[arg-type]
    receiver.open.clear()
    call = _call(receiver.url)
    for _ in range(3):
        with pytest.raises(Transient, match="no answer yet"):
            await webhooks.ask(call)
    receiver.open.set()
    async with asyncio.timeout(120):
        while True:
            try:
                answer = await webhooks.ask(call)
                break
            except Transient:
                continue
    assert answer.confirmed
    assert len(receiver.received) == 1
    await webhooks.close()


async def test_a_receiver_that_hangs_holds_up_nobody_elses_calls(receiver: Receiver, silent_port: int) -> None:
    webhooks = Webhooks(Secrets(), patience=0)  # type: ignore[arg-type]
    for number in range(40):
        with pytest.raises(Transient, match="no answer yet"):
            await webhooks.ask(_call(f"http://127.0.0.1:{silent_port}/{number}", timeout="5m"))
    webhooks.tell(_call(receiver.url, timeout="5m"))
    await until(lambda: len(receiver.received) == 1)
    await webhooks.close()


async def test_an_answer_nobody_waited_for_grows_old(receiver: Receiver) -> None:
    webhooks = Webhooks(Secrets(), patience=0.01, kept=0.01)  # type: ignore[arg-type]
    receiver.open.clear()
    with pytest.raises(Transient):
        await webhooks.ask(_call(receiver.url))
    receiver.open.set()
    await until(lambda: not webhooks._asked)
    await webhooks.close()


async def test_the_next_question_is_asked_anew(webhooks: Webhooks, receiver: Receiver) -> None:
    receiver.statuses = [403, 200]
    call = _call(receiver.url)
    assert [(await webhooks.ask(call)).confirmed for _ in range(2)] == [False, True]


async def test_a_young_answer_is_not_asked_for_again(webhooks: Webhooks, receiver: Receiver) -> None:
    receiver.statuses = [403, 200]
    call, age = _call(receiver.url), timedelta(minutes=5)
    assert [(await webhooks.ask(call, age)).confirmed for _ in range(2)] == [False, False]
    assert len(receiver.received) == 1
    another = replace(call, checksum="4567")
    assert (await webhooks.ask(another, age)).confirmed


async def test_a_failure_is_remembered_like_an_answer(receiver: Receiver) -> None:
    secrets = Secrets()
    webhooks = Webhooks(secrets)  # type: ignore[arg-type]
    call = _call(receiver.url, secretRef={"name": "hook-key"})
    for _ in range(2):
        with pytest.raises(Rejected):
            await webhooks.ask(call, timedelta(minutes=5))
        secrets.data = Secrets(key=_KEY).data
    assert (await webhooks.ask(call)).confirmed
    await webhooks.close()


@pytest.mark.parametrize(
    ("secrets", "name", "message"),
    [
        (Secrets(key=_KEY), "another", "shop/another does not exist: create it"),
        (Secrets(other=_KEY), "hook-key", "has no field key"),
        (Secrets(key=b""), "hook-key", "has no field key"),
    ],
)
async def test_a_secret_without_a_key_is_refused_and_nothing_is_sent(
    receiver: Receiver, secrets: Secrets, name: str, message: str
) -> None:
    webhooks = Webhooks(secrets)  # type: ignore[arg-type]
    with pytest.raises(Rejected, match=message):
        await webhooks.ask(_call(receiver.url, secretRef={"name": name}))
    assert receiver.received == []
    await webhooks.close()


async def test_the_key_is_never_told(
    webhooks: Webhooks, closed_port: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    call = _call(f"http://127.0.0.1:{closed_port}/", retries=0, secretRef={"name": "hook-key"})
    with pytest.raises(Transient) as caught:
        await webhooks.ask(call)
    webhooks.tell(call)
    await webhooks.drained()
    told = str(caught.value) + caplog.text + "".join(capsys.readouterr())
    assert "load-test" in told
    for form in (_KEY.decode(), base64.b64encode(_KEY).decode()):
        assert form not in told


async def test_an_event_is_told_in_the_background(webhooks: Webhooks, receiver: Receiver) -> None:
    receiver.open.clear()
    metadata = event_metadata(Event(EventType.NORMAL, "Promoted", "version 4 serves"), _moment())
    hook = Hook.model_validate({"name": "chat", "type": "event", "url": receiver.url})
    webhooks.tell(HookCall(ObjectKey("shop", "telco"), hook, "Succeeded", "0123abcd", metadata))
    await until(lambda: len(receiver.received) == 1)
    receiver.open.set()
    await webhooks.drained()
    assert json.loads(receiver.received[0].body)["metadata"] == {
        "eventMessage": "version 4 serves",
        "eventType": "Normal",
        "eventReason": "Promoted",
        "timestamp": "1785585600000",
    }


def _moment() -> datetime:
    return datetime.fromtimestamp(_NOW, UTC)
