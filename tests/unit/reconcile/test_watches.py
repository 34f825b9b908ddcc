"""Watches that end are begun again, with pauses that grow, and the probes tell when that does not help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from churn_operator.reconcile.health import Health
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.watches import LONGEST_FAILING, PAUSE_MOST, STEADY, Watches
from prometheus_client import CollectorRegistry

from tests.unit.reconcile.virtual_time import run


def now() -> float:
    return asyncio.get_running_loop().time()


class Watched:
    """Watches that last as long as they are told to, and then fail."""

    def __init__(self, *lives: float) -> None:
        self.metrics = LoopMetrics(CollectorRegistry())
        self.watches = Watches(self.metrics)
        self.stop = asyncio.Event()
        self.began: list[float] = []
        self._lives = list(lives)

    async def keep(self, during: Callable[[], Awaitable[None]]) -> None:
        """Keep watching while `during` runs."""
        keeping = asyncio.create_task(self.watches.keep(self._watch, self.stop))
        await during()
        self.stop.set()
        await asyncio.wait_for(keeping, timeout=10)

    async def _watch(self) -> None:
        self.began.append(now())
        if not self._lives:
            await self.stop.wait()
            return
        await asyncio.sleep(self._lives.pop(0))
        raise ConnectionError("410 Gone")

    @property
    def pauses(self) -> list[float]:
        """Between two beginnings, where a life took no time."""
        return [after - before for before, after in zip(self.began, self.began[1:], strict=False)]

    @property
    def restarts(self) -> float:
        return self.metrics.registry.get_sample_value("churn_operator_watch_restarts_total") or 0.0


def test_watches_that_fail_are_begun_again_after_pauses_that_double_up_to_a_minute() -> None:
    async def story() -> None:
        watched = Watched(*[0.0] * 9)
        await watched.keep(lambda: asyncio.sleep(600))
        assert watched.restarts == 9
        wished = [1, 2, 4, 8, 16, 32, PAUSE_MOST, PAUSE_MOST, PAUSE_MOST]
        assert watched.pauses == [pytest.approx(pause, rel=0.2) for pause in wished]

    run(story())


def test_after_watches_that_lasted_the_next_pause_is_the_first_again() -> None:
    async def story() -> None:
        watched = Watched(0.0, 0.0, STEADY)
        await watched.keep(lambda: asyncio.sleep(2 * STEADY))
        assert watched.pauses[2] - STEADY < 1.5

    run(story())


def test_watches_that_end_without_an_error_are_begun_again_too() -> None:
    async def story() -> None:
        watches, stop, lives = Watches(LoopMetrics(CollectorRegistry())), asyncio.Event(), [0]

        async def watch() -> None:
            lives[0] += 1
            if lives[0] == 3:
                stop.set()

        await asyncio.wait_for(watches.keep(watch, stop), timeout=60)
        assert lives == [3]

    run(story())


def test_who_is_told_to_stop_during_a_pause_does_not_wait_for_its_end() -> None:
    async def story() -> None:
        watched = Watched(*[0.0] * 20)
        await watched.keep(lambda: asyncio.sleep(200))
        assert now() < 200.1

    run(story())


def test_while_nothing_is_watched_the_operator_is_alive_and_not_ready() -> None:
    async def story() -> None:
        watched = Watched(*[0.0] * 7)
        health = Health(watched.watches, workers=asyncio.create_task(asyncio.sleep(9000)))
        assert not health.ready

        async def during() -> None:
            await asyncio.sleep(90)
            assert (health.alive, health.ready) == (True, False)
            await asyncio.sleep(100)
            assert (health.alive, health.ready) == (True, True)

        await watched.keep(during)
        health.workers.cancel()  # type: ignore[union-attr]

    run(story())


def test_watches_that_fail_for_long_ask_for_a_restart_of_the_process() -> None:
    async def story() -> None:
        watched = Watched(*[5.0] * 1000)
        health = Health(watched.watches)

        async def during() -> None:
            await asyncio.sleep(LONGEST_FAILING)
            assert health.alive
            await asyncio.sleep(PAUSE_MOST)
            assert not health.alive

        await watched.keep(during)

    run(story())


def test_watches_that_are_well_again_ask_for_none() -> None:
    async def story() -> None:
        watched = Watched(*[5.0] * 10)
        health = Health(watched.watches)

        async def during() -> None:
            while now() < 3 * LONGEST_FAILING:
                await asyncio.sleep(10)
                assert health.alive, now()

        await watched.keep(during)

    run(story())
