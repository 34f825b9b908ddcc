"""Events are posted behind the passes: in order, once, and never in a pass's way."""

from __future__ import annotations

import asyncio
from typing import Any

from churn_operator.core.actions import Event, EventType
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import Transient
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.recorder import EventRecorder
from prometheus_client import CollectorRegistry

from tests.unit.reconcile.ports import KEY, World, churn_model


def told(number: int) -> Event:
    return Event(EventType.NORMAL, "Told", f"number {number}")


def recorder_of(world: World, **settings: Any) -> EventRecorder:
    return EventRecorder(world, LoopMetrics(CollectorRegistry()), **settings)


async def test_events_of_one_object_are_posted_in_their_order() -> None:
    world = World(churn_model())
    recorder = recorder_of(world)
    events = [told(number) for number in range(20)]
    for event in events:
        recorder.record(KEY, "u1", event)
    assert world.events == [], "recording waits for nothing"
    await recorder.drained()
    assert world.events == events


async def test_an_object_whose_events_do_not_get_through_holds_up_no_pass_and_no_later_event() -> None:
    world = World(churn_model())
    world.fails["post_event"] = Transient("Kubernetes", "connection refused")
    recorder = recorder_of(world)
    recorder.record(KEY, "u1", told(1))
    await recorder.drained()
    world.fails.clear()
    recorder.record(KEY, "u1", told(2))
    await recorder.drained()
    assert world.events == [told(2)]


async def test_the_oldest_are_dropped_and_counted_when_too_many_wait() -> None:
    world = World(churn_model())
    recorder = recorder_of(world, limit=3)
    for number in range(5):
        recorder.record(KEY, "u1", told(number))
    await recorder.drained()
    assert world.events == [told(2), told(3), told(4)]
    assert recorder.metrics.registry.get_sample_value("churn_operator_dropped_events_total") == 2


async def test_what_is_recorded_while_others_are_posted_is_posted_too() -> None:
    posting, go_on = asyncio.Event(), asyncio.Event()

    class Slow(World):
        async def post_event(self, key: ObjectKey, uid: str, event: Event) -> None:
            posting.set()
            await go_on.wait()
            self.events.append(event)

    world = Slow(churn_model())
    recorder = recorder_of(world)
    recorder.record(KEY, "u1", told(1))
    async with asyncio.timeout(5):
        await posting.wait()
        recorder.record(KEY, "u1", told(2))
        go_on.set()
        await recorder.drained()
    assert world.events == [told(1), told(2)]
