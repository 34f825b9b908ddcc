"""The Notifier port against a sink."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from churn_operator.adapters.cloudevents import CloudEventsNotifier
from churn_operator.core.actions import Event, EventType
from churn_operator.core.notifications import Notification
from churn_operator.core.observation import ObjectKey
from churn_operator.settings import Settings
from cloudevents.http import CloudEvent, from_http

from tests.integration.adapters.receiver import Receiver, until

pytestmark = pytest.mark.cluster


@pytest.fixture
async def sink() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
async def notifier(sink: Receiver) -> AsyncIterator[CloudEventsNotifier]:
    running = CloudEventsNotifier(Settings(cloudevents_sink=sink.url), limit=5)
    yield running
    await running.close()


def _notification(message: str = "version 4 serves") -> Notification:
    event = Event(EventType.NORMAL, "Promoted", message)
    return Notification(ObjectKey("shop", "telco"), "5f0c", event, datetime(2026, 8, 1, tzinfo=UTC), 4, None)


def _events(sink: Receiver) -> list[CloudEvent]:
    return [from_http(got.headers, got.body) for got in sink.received]


async def test_the_sdk_reads_what_is_sent(notifier: CloudEventsNotifier, sink: Receiver) -> None:
    notifier.publish(_notification())
    await notifier.drained()
    [event] = _events(sink)
    assert (event["type"], event["subject"]) == ("dev.churnops.churnmodel.promoted", "shop/telco")
    assert event["source"] == "/churnops.dev/churnmodel-operator"
    assert event.get_data()["message"] == "version 4 serves"


async def test_a_repeated_delivery_has_the_same_id(notifier: CloudEventsNotifier, sink: Receiver) -> None:
    sink.statuses = [503, 200]
    notifier.publish(_notification())
    await notifier.drained()
    first, second = _events(sink)
    assert first["id"] == second["id"]


async def test_order_is_kept_and_a_refusal_loses_one_event_only(notifier: CloudEventsNotifier, sink: Receiver) -> None:
    sink.statuses = [400, 200]
    for message in ("one", "two", "three"):
        notifier.publish(_notification(message))
    await notifier.drained()
    assert [event.get_data()["message"] for event in _events(sink)] == ["one", "two", "three"]


async def test_a_slow_sink_holds_nobody_up_and_fills_no_memory(notifier: CloudEventsNotifier, sink: Receiver) -> None:
    sink.open.clear()
    notifier.publish(_notification("first"))
    await until(lambda: len(sink.received) == 1)
    for number in range(50):
        notifier.publish(_notification(str(number)))
    sink.open.set()
    await notifier.drained()
    told = [event.get_data()["message"] for event in _events(sink)]
    assert told == ["first", "45", "46", "47", "48", "49"]


async def test_without_a_sink_nothing_is_sent() -> None:
    notifier = CloudEventsNotifier(Settings())
    notifier.publish(_notification())
    await notifier.drained()
    await notifier.close()


async def test_a_sink_that_is_away_fails_nothing(closed_port: int) -> None:
    notifier = CloudEventsNotifier(Settings(cloudevents_sink=f"http://127.0.0.1:{closed_port}/"))
    notifier.publish(_notification())
    await notifier.close()
