"""What went while nobody watched is found out, and nothing else is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import Transient
from churn_operator.reconcile.metrics import LoopMetrics
from churn_operator.reconcile.queue import WorkQueue
from churn_operator.reconcile.stocktaking import Stocktaking
from churn_operator.reconcile.store import ObjectStore
from prometheus_client import CollectorRegistry

from tests.unit.reconcile.virtual_time import run

ONE, TWO = ObjectKey("team", "one"), ObjectKey("team", "two")
SERVICE = "InferenceService"


def raw(key: ObjectKey) -> dict[str, Any]:
    metadata = {"namespace": key.namespace, "name": key.name, "uid": f"uid of {key.name}", "resourceVersion": "1"}
    return {"metadata": metadata}


@dataclass
class There:
    """The API server, and what the watch has shown of it."""

    models: set[ObjectKey] = field(default_factory=lambda: {ONE, TWO})
    services: set[tuple[str, ObjectKey]] = field(default_factory=lambda: {(SERVICE, ONE), (SERVICE, TWO)})
    known: dict[tuple[str, ObjectKey], ObjectKey] = field(
        default_factory=lambda: {(SERVICE, ONE): ONE, (SERVICE, TWO): TWO}
    )
    listed_wrongly: set[ObjectKey] = field(default_factory=set)
    fails: bool = False
    listings: int = 0
    gone: list[tuple[ObjectKey, str]] = field(default_factory=list)

    async def churn_models(self) -> frozenset[ObjectKey]:
        self.listings += 1
        if self.fails:
            raise Transient("Kubernetes", "connection refused")
        return frozenset(self.models - self.listed_wrongly)

    async def serving(self) -> frozenset[tuple[str, ObjectKey]]:
        return frozenset(self.services)

    async def read(self, key: ObjectKey) -> Mapping[str, Any] | None:
        return raw(key) if key in self.models else None

    def names(self) -> dict[tuple[str, ObjectKey], ObjectKey]:
        return dict(self.known)

    def forget(self, key: ObjectKey) -> None:
        self.known = {name: model for name, model in self.known.items() if model != key}


def stocktaking(there: There, begun_again: asyncio.Event | None = None) -> Stocktaking:
    store = ObjectStore()
    for key in (ONE, TWO):
        store.put(key, raw(key))
    metrics = LoopMetrics(CollectorRegistry())
    return Stocktaking(
        store=store,
        queue=WorkQueue(),
        serving=there,
        inventory=there,
        cluster=there,  # type: ignore[arg-type]
        metrics=metrics,
        gone=lambda key, uid: there.gone.append((key, uid)),
        begun_again=begun_again or asyncio.Event(),
        interval=timedelta(minutes=10),
    )


async def test_where_all_is_there_nothing_is_forgotten_and_nobody_has_to_look() -> None:
    there = There()
    stock = stocktaking(there)
    await stock.take()
    assert not there.gone
    assert len(there.known) == 2
    assert stock.queue.depth == 0


async def test_a_model_whose_end_was_not_told_is_forgotten() -> None:
    there = There(models={TWO})
    await stocktaking(there).take()
    assert there.gone == [(ONE, "uid of one")]


async def test_a_model_that_a_listing_lacks_and_that_is_there_is_kept() -> None:
    there = There(listed_wrongly={ONE})
    await stocktaking(there).take()
    assert not there.gone


async def test_a_service_whose_end_was_not_told_is_looked_for_by_a_pass() -> None:
    there = There(services={(SERVICE, TWO)})
    stock = stocktaking(there)
    await stock.take()
    assert there.known == {(SERVICE, TWO): TWO}
    assert await stock.queue.get() == ONE
    assert not there.gone


@pytest.mark.parametrize("fails", [False, True])
def test_stock_is_taken_every_interval_whatever_came_of_the_last_time(fails: bool) -> None:
    async def story() -> None:
        there = There(fails=fails)
        task = asyncio.create_task(stocktaking(there).run())
        await asyncio.sleep(3 * 600 + 1)
        assert there.listings == 3
        task.cancel()

    run(story())


def test_stock_is_taken_soon_after_the_watches_were_begun_again() -> None:
    async def story() -> None:
        there, begun_again = There(), asyncio.Event()
        task = asyncio.create_task(stocktaking(there, begun_again).run())
        await asyncio.sleep(100)
        begun_again.set()
        await asyncio.sleep(40)
        assert there.listings == 1
        task.cancel()

    run(story())
