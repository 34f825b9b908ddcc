"""A cancellation is never lost, whatever ends at the same moment: a worker that goes on would work without a Lease."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest
from churn_operator.adapters.threads import ThreadPool
from churn_operator.core.observation import ObjectKey
from churn_operator.reconcile.queue import WorkQueue

KEY = ObjectKey("team", "churn")


async def turns(count: int) -> None:
    """Let the event loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("between", range(4))
async def test_of_one_who_waits_for_a_key_that_comes_just_then(between: int) -> None:
    queue: WorkQueue[ObjectKey] = WorkQueue()
    queue.add_after(KEY, timedelta(hours=1))
    taken: list[ObjectKey] = []

    async def worker() -> None:
        while True:
            taken.append(await queue.get())

    task = asyncio.create_task(worker())
    await turns(3)
    queue.add(KEY)
    await turns(between)
    task.cancel()
    await asyncio.wait((task,), timeout=1)
    assert task.cancelled()


@pytest.mark.parametrize("between", range(4))
async def test_of_one_who_waits_for_a_thread_that_ends_just_then(between: int) -> None:
    pool = ThreadPool("S3", 1, timedelta(seconds=30))
    go_on, ended = threading.Event(), threading.Event()

    def call() -> None:
        go_on.wait()

    async def caller() -> None:
        while True:
            await pool.call(call)

    task = asyncio.create_task(caller())
    await turns(3)
    go_on.set()
    pool._executor.submit(ended.set)
    ended.wait()
    await turns(between)
    task.cancel()
    await asyncio.wait((task,), timeout=1)
    pool.close()
    assert task.cancelled()
