"""Synchronous SDKs in a bounded pool."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from churn_operator.adapters.threads import ThreadPool, stop_if_given_up
from churn_operator.errors import Transient

pytestmark = pytest.mark.unit


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What holds a thread back; always set in the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def _pool(size: int, seconds: float) -> ThreadPool:
    return ThreadPool("KFP", size, timedelta(seconds=seconds))


async def test_a_call_answers_what_the_function_returns() -> None:
    assert await _pool(1, 5).call(divmod, 7, 2) == (3, 1)


async def test_a_call_raises_what_the_function_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        await _pool(1, 5).call(divmod, 1, 0)


async def test_a_timeout_of_the_function_itself_is_not_taken_for_the_deadline() -> None:
    def late() -> None:
        raise TimeoutError("the socket's")

    with pytest.raises(TimeoutError, match="the socket's"):
        await _pool(1, 5).call(late)


async def test_a_call_past_its_deadline_is_transient_and_the_event_loop_was_never_blocked(
    release: threading.Event,
) -> None:
    pool = _pool(1, 0.05)
    ticks = 0
    call = asyncio.create_task(pool.call(release.wait, 10))
    while not call.done():
        await asyncio.sleep(0.005)
        ticks += 1
    with pytest.raises(Transient, match=r"KFP: no answer within 0\.05 s"):
        await call
    assert ticks > 2


async def test_what_waits_for_a_thread_is_taken_back_at_the_deadline(release: threading.Event) -> None:
    pool = _pool(1, 0.1)
    ran = threading.Event()
    stuck = asyncio.create_task(pool.call(release.wait, 10))
    await asyncio.sleep(0)
    with pytest.raises(Transient):
        await pool.call(ran.set)
    with pytest.raises(Transient):
        await stuck
    release.set()
    # The thread is free again and works through its queue, in which the given-up call no longer is.
    assert await _until(lambda: pool.call(threading.get_ident))
    assert not ran.is_set()


async def test_a_listing_without_end_gives_its_thread_back_when_nobody_waits_any_more(release: threading.Event) -> None:
    pool = _pool(1, 0.05)

    def pages() -> None:
        while not release.wait(0.001):
            stop_if_given_up()

    with pytest.raises(Transient, match="no answer within"):
        await pool.call(pages)
    assert await _until(lambda: pool.call(threading.get_ident))


def test_outside_of_a_pool_there_is_nobody_to_give_up() -> None:
    stop_if_given_up()


async def _until(call: object) -> int:
    async with asyncio.timeout(5):
        while True:
            try:
                return await call()  # type: ignore[operator,no-any-return]
            except Transient:
                continue


async def test_no_more_calls_run_at_a_time_than_the_pool_has_threads() -> None:
    pool = _pool(2, 5)
    running, most = 0, 0
    lock = threading.Lock()
    barrier = threading.Barrier(2)

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait(5)
        with lock:
            running -= 1

    await asyncio.gather(*(pool.call(work) for _ in range(8)))
    assert most == 2
