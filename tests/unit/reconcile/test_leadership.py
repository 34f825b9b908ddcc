"""Of two operators one works, whatever happens to the API server or to one of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from churn_operator.core.lease import LeaseRecord, LeaseTimes
from churn_operator.errors import Conflict, Transient
from churn_operator.reconcile.leadership import Leadership, LeadershipLost, LeadershipMetrics
from prometheus_client import CollectorRegistry

from tests.unit.reconcile.virtual_time import run

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
SLOWEST_TAKE_OVER = 15 + 2 * (2 * 1.2) + 0.1
"""Seconds: the duration of the Lease, from the try of the one that waits that sees the last renewal, up to its try that
takes the Lease, and what requests take."""


@dataclass
class Stored:
    """The Lease as the API server has it."""

    record: LeaseRecord | None = None
    version: int = 0


@dataclass
class Access:
    """One operator's way to it. `down` answers whether its requests fail at this moment, `latency` is in seconds;
    a write that fails may have been taken all the same, as `lost_answers` says."""

    stored: Stored
    down: Callable[[], bool] = lambda: False
    latency: Callable[[], float] = lambda: 0.01
    lost_answers: Callable[[], bool] = lambda: False

    async def read(self) -> tuple[LeaseRecord, str] | None:
        await self._travel()
        return None if self.stored.record is None else (self.stored.record, str(self.stored.version))

    async def write(self, record: LeaseRecord, version: str | None) -> str:
        await self._travel()
        found = None if self.stored.record is None else str(self.stored.version)
        if version != found:
            raise Conflict("Kubernetes", "409 the object has been modified")
        self.stored.record, self.stored.version = record, self.stored.version + 1
        answer = str(self.stored.version)
        await asyncio.sleep(self.latency())
        if self.lost_answers():
            raise Transient("Kubernetes", "the connection was reset")
        return answer

    async def _travel(self) -> None:
        await asyncio.sleep(self.latency())
        if self.down():
            raise Transient("Kubernetes", "connection refused")


@dataclass
class Replica:
    """An operator whose work is to note that it works."""

    identity: str
    access: Access
    skew: timedelta = timedelta(0)
    working: bool = False
    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    abandoned: bool = False
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.leadership = Leadership(
            lease=self.access,
            identity=self.identity,
            times=LeaseTimes(),
            clock=lambda: NOW + self.skew + timedelta(seconds=now()),
            metrics=LeadershipMetrics(self.registry),
            abandon=self.abandon,
        )

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.leadership.lead(self.work), name=self.identity)

    def abandon(self) -> None:
        assert not self.working
        self.abandoned = True

    async def work(self) -> None:
        self.began.append(now())
        self.working = True
        try:
            await asyncio.Event().wait()
        finally:
            self.working = False
            self.ended.append(now())

    def exported(self, metric: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(metric, labels)


def now() -> float:
    return asyncio.get_running_loop().time()


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel, as a crash or SIGTERM would end it."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def two() -> tuple[Replica, Replica]:
    stored = Stored()
    return Replica("a", Access(stored)), Replica("b", Access(stored))


def test_the_first_works_and_the_second_waits() -> None:
    async def story() -> None:
        first, second = two()
        tasks = [first.start()]
        await asyncio.sleep(1)
        tasks.append(second.start())
        await asyncio.sleep(600)
        assert first.working
        assert not second.began
        for task in tasks:
            await ended(task)

    run(story())


def test_who_leads_can_be_seen_from_both() -> None:
    async def story() -> None:
        first, second = two()
        tasks = [first.start()]
        await asyncio.sleep(1)
        tasks.append(second.start())
        await asyncio.sleep(10)
        assert [each.exported("churn_operator_leading") for each in (first, second)] == [1, 0]
        assert [each.exported("churn_operator_lease_holder", holder="a") for each in (first, second)] == [1, 1]
        await ended(tasks[0])
        await asyncio.sleep(SLOWEST_TAKE_OVER)
        assert [each.exported("churn_operator_leading") for each in (first, second)] == [0, 1]
        assert second.exported("churn_operator_lease_holder", holder="a") is None
        assert second.exported("churn_operator_lease_holder", holder="b") == 1
        await ended(tasks[1])

    run(story())


@pytest.mark.parametrize("seed", range(12))
def test_after_a_crash_the_other_takes_over_and_not_before_the_lease_has_ended(seed: int) -> None:
    async def story() -> None:
        random.seed(seed)
        first, second = two()
        crashing = first.start()
        await asyncio.sleep(1)
        waiting = second.start()
        await asyncio.sleep(100)
        await ended(crashing)
        crashed = now()
        await asyncio.sleep(SLOWEST_TAKE_OVER)
        [began] = second.began
        # The last renewal was at most one retry before the crash.
        assert 15 - 2.1 <= began - crashed <= SLOWEST_TAKE_OVER
        await ended(waiting)

    run(story())


def test_one_that_is_handed_over_is_taken_at_the_next_try() -> None:
    async def story() -> None:
        first, second = two()
        stopping = first.start()
        await asyncio.sleep(1)
        waiting = second.start()
        await asyncio.sleep(100)
        await ended(stopping)
        await first.leadership.release()
        released = now()
        await asyncio.sleep(2.5)
        assert second.working
        assert second.began[0] - released <= 2.5
        # And whoever has it not, gives nothing away.
        await first.leadership.release()
        await asyncio.sleep(60)
        assert second.working
        await ended(waiting)

    run(story())


def test_a_renewal_that_arrives_late_does_not_keep_it_from_being_handed_over() -> None:
    async def story() -> None:
        class Late(Access):
            async def read(self) -> tuple[LeaseRecord, str] | None:
                found = await super().read()
                if ended_once and self.stored.version < 1000:
                    self.stored.version += 1000
                return found

        ended_once: list[bool] = []
        replica = Replica("a", Late(Stored()))
        task = replica.start()
        await asyncio.sleep(30)
        await ended(task)
        ended_once.append(True)
        await replica.leadership.release()
        assert replica.access.stored.record is not None
        assert replica.access.stored.record.holder == ""

    run(story())


def test_an_outage_that_ends_in_time_stops_nothing() -> None:
    async def story() -> None:
        replica = Replica("a", Access(Stored(), down=lambda: 30 < now() < 36))
        task = replica.start()
        await asyncio.sleep(120)
        assert replica.working
        assert replica.ended == []
        await ended(task)

    run(story())


@pytest.mark.parametrize("kind", ["refused", "without an answer", "answers lost"])
def test_what_cannot_be_renewed_ends_the_work_before_another_may_begin(kind: str) -> None:
    async def story() -> None:
        access = Access(Stored())
        match kind:
            case "refused":
                access.down = lambda: now() > 30
            case "without an answer":
                access.latency = lambda: 3600.0 if now() > 30 else 0.01
            case "answers lost":
                access.lost_answers = lambda: now() > 30
        replica = Replica("a", access)
        task = replica.start()
        with pytest.raises(LeadershipLost, match="not renewed within 10 s"):
            await task
        assert replica.abandoned
        [stopped] = replica.ended
        assert 38 - 0.1 <= stopped <= 40.1
        assert replica.exported("churn_operator_leading") == 0

    run(story())


def test_a_lease_that_somebody_took_by_force_ends_the_work_at_the_next_look() -> None:
    async def story() -> None:
        first, _ = two()
        task = first.start()
        await asyncio.sleep(30)
        stored = first.access.stored
        taken = LeaseRecord("by hand", timedelta(seconds=15), NOW, NOW)
        stored.record, stored.version = taken, stored.version + 1
        with pytest.raises(LeadershipLost, match="by hand holds it"):
            await task
        assert now() - 30 < 2.2
        assert not first.leadership.valid

    run(story())


def test_a_process_that_slept_is_not_valid_when_it_wakes() -> None:
    async def story() -> None:
        first, _ = two()
        task = first.start()
        await asyncio.sleep(30)
        assert first.leadership.valid
        # As after SIGSTOP and SIGCONT: the clock went on, and nothing else has run yet.
        asyncio.get_running_loop()._jumping.now += 60  # type: ignore[attr-defined]
        assert not first.leadership.valid
        with pytest.raises(LeadershipLost):
            await task

    run(story())


def test_work_that_crashes_is_told_and_renews_nothing() -> None:
    async def story() -> None:
        async def crash() -> None:
            raise ZeroDivisionError

        first, _ = two()
        with pytest.raises(ZeroDivisionError):
            await first.leadership.lead(crash)
        assert not first.abandoned
        version = first.access.stored.version
        await asyncio.sleep(60)
        assert first.access.stored.version == version

    run(story())


@pytest.mark.parametrize("seed", range(12))
def test_never_two_at_once_whatever_fails(seed: int) -> None:
    """Two replicas whose clocks differ, whose requests are slow, fail and lose answers, and which crash and come
    again: at no moment do both work, and somebody works most of the time once all is well."""

    async def story() -> None:
        chance = random.Random(seed)
        stored = Stored()
        trouble = [chance.uniform(0, 1200) for _ in range(20)]

        def in_trouble() -> bool:
            return any(begin < now() < begin + 25 for begin in trouble) and chance.random() < 0.7

        async def live(name: str) -> None:
            number = 0
            while True:
                number += 1
                access = Access(
                    stored,
                    down=in_trouble,
                    latency=lambda: chance.choice([0.01, 0.01, 0.2, 4.0]),
                    lost_answers=in_trouble,
                )
                skew = timedelta(seconds=chance.uniform(-3600, 3600))
                replica = Replica(f"{name}-{number}", access, skew)
                lives.append(replica)
                task = replica.start()
                await asyncio.wait((task,), timeout=chance.uniform(5, 400))
                with suppress(LeadershipLost):
                    await ended(task)

        lives: list[Replica] = []
        tasks = [asyncio.create_task(live(name)) for name in "ab"]
        worked = 0
        for _ in range(13_000):
            await asyncio.sleep(0.1)
            at_work = [each.identity for each in lives if each.working]
            assert len(at_work) <= 1, at_work
            worked += len(at_work)
        assert worked > 3_000
        for task in tasks:
            await ended(task)

    run(story())
