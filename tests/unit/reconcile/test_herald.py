"""Events go to the API server, to the sink and to event hooks, after the status that says so is persisted."""

from __future__ import annotations

import pytest
from churn_operator.core.hooks import HookCall
from churn_operator.errors import Transient

from tests.unit.reconcile.ports import KEY, NOW, World, churn_model, loop_over

pytestmark = pytest.mark.unit

HOOKS = [
    {"name": "log", "type": "event", "url": "http://log"},
    {"name": "second", "type": "event", "url": "http://second"},
    {"name": "brake", "type": "rollback", "url": "http://brake"},
]


async def passes(world: World, count: int) -> None:
    reconciler = loop_over(world)
    for _ in range(count):
        await reconciler.reconcile_once(KEY)
    await reconciler.herald.recorder.drained()


def metadata(call: HookCall) -> dict[str, str]:
    return dict(call.metadata)


async def test_whoever_wants_to_hear_of_events_hears_the_same() -> None:
    world = World(churn_model(rollout={"hooks": HOOKS}))
    await passes(world, 4)
    reasons = [event.reason for event in world.events]
    assert reasons[:2] == ["DatasetAdopted", "TrainingRequested"]
    assert [one.event for one in world.published] == world.events
    for name in ("log", "second"):
        calls = [call for call in world.told if call.hook.name == name]
        assert [metadata(call)["eventReason"] for call in calls] == reasons
    assert {call.hook.name for call in world.told} == {"log", "second"}


async def test_a_notification_tells_whom_it_is_about_and_when() -> None:
    world = World(churn_model())
    await passes(world, 2)
    first = world.published[0]
    assert (first.key, first.uid, first.occurred, first.stable, first.candidate) == (KEY, "u1", NOW, None, None)


async def test_an_event_hook_is_told_in_the_words_of_flagger() -> None:
    world = World(churn_model(rollout={"hooks": HOOKS[:1]}))
    await passes(world, 2)
    call = world.told[0]
    assert (call.key, call.phase, call.checksum) == (KEY, "Initializing", "")
    assert metadata(call)["eventType"] == "Normal"
    assert metadata(call)["timestamp"] == str(int(NOW.timestamp() * 1000))


async def test_nobody_is_told_of_what_was_not_persisted() -> None:
    world = World(churn_model(rollout={"hooks": HOOKS}))
    world.fails["write_status"] = Transient("Kubernetes", "etcd leader changed")
    with pytest.raises(Transient):
        await passes(world, 1)
    assert (world.published, world.told) == ([], [])


async def test_a_spec_that_cannot_be_read_is_told_of_without_hooks() -> None:
    world = World(churn_model(colour="blue"))
    await passes(world, 2)
    assert [one.event.reason for one in world.published] == ["InvalidSpec"]
    assert world.told == []
