"""Of several operators one works: the one that holds the Lease. The others watch, and are ready to go on.

The times are client-go's. A holder that could not renew its Lease for `renew` stops before `duration` is over and
another may take it. Work stops by cancellation; what runs in threads cannot be cancelled, so the process ends too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, Gauge

from churn_operator.core.lease import LeaseRecord, LeaseTimes, claim, hand_over
from churn_operator.errors import AdapterError, Conflict
from churn_operator.ports import Lease

_log = structlog.get_logger()

_CANCELLATION_SECONDS = 1.0
_HAND_OVER_TRIES = 3
_SPREAD = 0.2
"""Those who wait do not all ask at the same moment."""


class LeadershipLost(Exception):  # noqa: N818 - what happened, not what is wrong
    """The Lease is another's, or could not be renewed in time."""


class LeadershipMetrics:
    """Who leads. An operator that runs alone leads always."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.leading = Gauge("churn_operator_leading", "1 where this operator runs passes, else 0.", registry=registry)
        self.holder = Gauge(
            "churn_operator_lease_holder",
            "1 for the holder of the Lease, as this operator sees it.",
            ["holder"],
            registry=registry,
        )

    def seen(self, holder: str) -> None:
        """Show the holder; "" where there is none."""
        self.holder.clear()
        if holder:
            self.holder.labels(holder).set(1)


@dataclass
class Leadership:
    """Takes the Lease as `identity`, keeps it, and works only while it is held. To be used from one event loop.

    `abandon` is called when the Lease is lost, after the work was cancelled; it is expected not to return.
    """

    lease: Lease
    identity: str
    times: LeaseTimes
    clock: Callable[[], datetime]
    metrics: LeadershipMetrics
    abandon: Callable[[], None]
    _found: tuple[LeaseRecord, str] | None = None
    _found_since: float = 0.0
    _valid_until: float = field(default=float("-inf"))

    @property
    def valid(self) -> bool:
        """Whether nobody else can hold the Lease at this moment. It ends by itself where renewing does not succeed,
        also in a process that was stopped and goes on."""
        return asyncio.get_running_loop().time() < self._valid_until

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for the Lease, then work until it is lost or this is cancelled. Raises LeadershipLost after `abandon`,
        and what `work` raises."""
        await self._acquire()
        _log.info("this operator leads", identity=self.identity)
        self.metrics.leading.set(1)
        working = asyncio.ensure_future(work())
        renewing = asyncio.create_task(self._keep(), name="lease")
        try:
            await asyncio.wait((working, renewing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.metrics.leading.set(0)
            await _cancelled(working, renewing)
        if not renewing.cancelled():
            _log.error("the lease is lost, so this operator ends", identity=self.identity)
            self.abandon()
            renewing.result()
        working.result()

    async def release(self) -> None:
        """Leave the Lease to another at once, if it is ours; to be called when nothing is under way any more. Whoever
        waits takes it without this too, only later."""
        if not self.valid:
            return
        self._valid_until = float("-inf")
        for _ in range(_HAND_OVER_TRIES):
            try:
                await self._hand_over()
                return
            except Conflict as error:
                # The last renewal was cut short on its way, and the API server took it only now.
                failure: AdapterError = error
            except AdapterError as error:
                failure = error
                break
        _log.warning("the lease was not handed over", error=failure.message)

    async def _hand_over(self) -> None:
        found = await self.lease.read()
        if found is not None and found[0].holder == self.identity:
            await self.lease.write(hand_over(found[0], self.clock()), found[1])

    async def _acquire(self) -> None:
        while True:
            if await self._tried():
                return
            await asyncio.sleep(self.times.retry.total_seconds() * random.uniform(1, 1 + _SPREAD))

    async def _keep(self) -> None:
        """Renew until that fails for too long."""
        while True:
            await asyncio.sleep(self.times.retry.total_seconds())
            try:
                async with asyncio.timeout_at(self._valid_until):
                    await self._renew()
            except TimeoutError:
                raise LeadershipLost(f"not renewed within {self.times.renew.total_seconds():g} s") from None

    async def _renew(self) -> None:
        while True:
            if await self._tried():
                return
            self._refuse_another()
            await asyncio.sleep(self.times.retry.total_seconds())

    def _refuse_another(self) -> None:
        if self._found is not None and self._found[0].holder not in ("", self.identity):
            self._valid_until = float("-inf")
            raise LeadershipLost(f"{self._found[0].holder} holds it")

    async def _tried(self) -> bool:
        """Whether the Lease was taken or renewed. What is not known is a no."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self.times.renew.total_seconds() / 2):
                return await self._claimed(began)
        except Conflict:
            return False
        except (AdapterError, TimeoutError) as error:
            _log.warning("the lease could not be asked for", error=str(error) or "no answer in time")
            return False

    async def _claimed(self, began: float) -> bool:
        self._look(await self.lease.read())
        record, version = self._found or (None, None)
        unchanged = timedelta(seconds=began - self._found_since)
        wished = claim(record, self.identity, unchanged, self.clock(), self.times.duration)
        if wished is None:
            return False
        self._look((wished, await self.lease.write(wished, version)))
        # Counted from before the request: the API server may have taken it at once and answered late.
        self._valid_until = began + self.times.renew.total_seconds()
        return True

    def _look(self, found: tuple[LeaseRecord, str] | None) -> None:
        if found is None or self._found is None or found[0] != self._found[0]:
            self._found_since = asyncio.get_running_loop().time()
        self._found = found
        self.metrics.seen("" if found is None else found[0].holder)


async def _cancelled(*tasks: asyncio.Future[None]) -> None:
    """Cancel those that still run, and wait until they have ended, but no longer than another has to wait."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_CANCELLATION_SECONDS)
