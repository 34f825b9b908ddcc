"""The queue hands each key to one worker at a time, and forgets nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from churn_operator.reconcile.queue import WorkQueue

SOON = timedelta(milliseconds=20)
LATER = timedelta(seconds=30)


async def taken(queue: WorkQueue[str]) -> str:
    """The next key, or a TimeoutError."""
    async with asyncio.timeout(5):
        return await queue.get()


async def nothing_is_ready(queue: WorkQueue[str]) -> bool:
    """Whether a worker would have to wait now: `get` does not finish within some turns of the loop."""
    getter = asyncio.ensure_future(queue.get())
    for _ in range(5):
        await asyncio.sleep(0)
    waits = not getter.done()
    getter.cancel()
    return waits


async def test_a_key_that_is_added_twice_is_handed_out_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("a")
    assert await taken(queue) == "a"
    assert await nothing_is_ready(queue)


async def test_a_key_added_during_its_pass_comes_again_only_after_the_pass() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await taken(queue)
    queue.add("a")
    assert await nothing_is_ready(queue)
    queue.done("a")
    assert await taken(queue) == "a"


async def test_keys_come_in_the_order_they_were_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "cab":
        queue.add(key)
    assert [await taken(queue) for _ in range(3)] == ["c", "a", "b"]


async def test_a_delayed_key_comes_when_it_is_due() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", SOON)
    assert await nothing_is_ready(queue)
    assert await taken(queue) == "a"


async def test_the_sooner_of_two_delays_counts_whichever_came_first() -> None:
    for delays in ((LATER, SOON), (SOON, LATER)):
        queue: WorkQueue[str] = WorkQueue()
        for delay in delays:
            queue.add_after("a", delay)
        assert await taken(queue) == "a"
        queue.done("a")
        assert await nothing_is_ready(queue)


async def test_an_immediate_add_makes_a_delayed_one_void() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", SOON)
    queue.add("a")
    await taken(queue)
    queue.done("a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON.total_seconds() * 4):
            await queue.get()


async def test_a_forgotten_key_does_not_come() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add_after("b", SOON)
    queue.forget("a")
    queue.forget("b")
    queue.add("c")
    assert await taken(queue) == "c"
    assert await nothing_is_ready(queue)


async def test_many_workers_never_hold_the_same_key_at_once() -> None:
    queue: WorkQueue[int] = WorkQueue()
    held: set[int] = set()
    passes = dict.fromkeys(range(20), 0)

    async def work() -> None:
        while True:
            key = await queue.get()
            assert key not in held
            held.add(key)
            await asyncio.sleep(0)
            held.remove(key)
            passes[key] += 1
            if passes[key] < 5:
                queue.add(key)
            queue.done(key)

    for key in passes:
        queue.add(key)
    workers = [asyncio.create_task(work()) for _ in range(8)]
    async with asyncio.timeout(10):
        while any(count < 5 for count in passes.values()):
            await asyncio.sleep(0)
    for worker in workers:
        worker.cancel()
    outcomes = await asyncio.gather(*workers, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert set(passes.values()) == {5}


async def test_a_change_goes_before_many_that_are_only_looked_at_again() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for number in range(40):
        queue.add_after(f"poll-{number}", SOON)
    assert [await taken(queue) for _ in range(2)] == ["poll-0", "poll-1"]
    queue.add("changed")
    assert "changed" in [await taken(queue) for _ in range(2)]


async def test_many_changes_do_not_starve_what_is_looked_at_again() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for number in range(2):
        queue.add_after(f"poll-{number}", SOON)
    assert await taken(queue) == "poll-0"
    for number in range(40):
        queue.add(f"changed-{number}")
    assert "poll-1" in [await taken(queue) for _ in range(8)]


async def test_a_key_that_waits_for_another_look_and_changes_is_handed_out_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "ab":
        queue.add_after(key, SOON)
    assert await taken(queue) == "a"
    queue.add("b")
    assert queue.depth == 1
    assert await taken(queue) == "b"
    assert await nothing_is_ready(queue)
