"""What is sent behind the passes."""

from __future__ import annotations

import asyncio

import pytest
from churn_operator.adapters.http import Answer
from churn_operator.adapters.outbox import Outbox
from churn_operator.adapters.retries import with_retries
from churn_operator.errors import Transient

pytestmark = pytest.mark.unit


class Receiver:
    """Takes items once it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.taken: list[int] = []

    async def take(self, item: int) -> None:
        await self.open.wait()
        if item < 0:
            raise Transient("Receiver", "away")
        self.taken.append(item)


async def test_items_are_delivered_in_order() -> None:
    receiver = Receiver()
    outbox = Outbox("Test", receiver.take)
    receiver.open.set()
    for item in range(20):
        outbox.put(item, "telco")
    await outbox.drained()
    assert receiver.taken == list(range(20))


async def test_what_cannot_be_delivered_does_not_hold_up_the_rest() -> None:
    receiver = Receiver()
    outbox = Outbox("Test", receiver.take)
    receiver.open.set()
    for item in (1, -1, 2):
        outbox.put(item, "telco")
    await outbox.drained()
    assert receiver.taken == [1, 2]


async def test_beyond_the_limit_the_oldest_are_dropped() -> None:
    receiver = Receiver()
    outbox = Outbox("Test", receiver.take, lanes=1, limit=3)
    for item in range(10):
        outbox.put(item, "telco")
    receiver.open.set()
    await outbox.drained()
    assert receiver.taken == [7, 8, 9]
    assert outbox.dropped == 7


async def test_closing_does_not_wait() -> None:
    receiver = Receiver()
    outbox = Outbox("Test", receiver.take)
    outbox.put(1, "telco")
    outbox.put(2, "telco")
    await asyncio.sleep(0)
    await asyncio.wait_for(outbox.close(), 1)
    assert receiver.taken == []
    await asyncio.wait_for(outbox.drained(), 1)


class Attempts:
    """Answers by a list of statuses; None: no answer."""

    def __init__(self, *statuses: int | None) -> None:
        self.left = list(statuses)

    async def __call__(self) -> Answer:
        status = self.left.pop(0)
        if status is None:
            raise Transient("Test", "no answer")
        return Answer(status, "")


@pytest.mark.parametrize(
    ("statuses", "retries", "answer", "left"),
    [
        ((200, 200), 2, 200, 1),
        ((None, 200), 1, 200, 0),
        ((503, None, 200), 2, 200, 0),
        ((403, 200), 2, 403, 1),
        ((500, 200), 2, 500, 1),
        ((503, 503, 200), 1, 503, 1),
    ],
)
async def test_only_what_is_no_answer_is_tried_again(
    statuses: tuple[int | None, ...], retries: int, answer: int, left: int
) -> None:
    attempts = Attempts(*statuses)
    assert (await with_retries(attempts, retries, pause=0.0)).status == answer
    assert len(attempts.left) == left


@pytest.mark.parametrize(("header", "pauses"), [("2", [2.0, 2.0]), ("3600", [5.0, 5.0]), (None, [0.25, 0.5])])
async def test_the_next_try_waits_as_long_as_it_is_asked_to_within_bounds(
    header: str | None, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def too_many() -> Answer:
        return Answer(429, "", header)

    monkeypatch.setattr("churn_operator.adapters.retries.asyncio.sleep", sleep)
    assert (await with_retries(too_many, 2)).status == 429
    assert waited == pauses


async def test_retries_end() -> None:
    attempts = Attempts(None, None, None, 200)
    with pytest.raises(Transient):
        await with_retries(attempts, 2, pause=0.0)
    assert attempts.left == [200]
