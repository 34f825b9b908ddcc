"""What is forgotten when the watch tells of the end of a ChurnModel."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from churn_operator.core.observation import ObjectKey
from churn_operator.reconcile.queue import WorkQueue
from churn_operator.reconcile.store import ObjectStore
from churn_operator.wiring import Operator

KEY = ObjectKey("team", "churn")


def raw(uid: str, version: int) -> dict[str, Any]:
    return {"metadata": {"namespace": "team", "name": "churn", "uid": uid, "resourceVersion": str(version)}}


def operator_with(forgotten: list[ObjectKey], *objects: dict[str, Any]) -> Any:
    """An operator that has seen these, in that order."""
    store: ObjectStore = ObjectStore()
    for each in objects:
        store.put(KEY, each)
    forgets = SimpleNamespace(forget=forgotten.append)
    return SimpleNamespace(store=store, queue=WorkQueue(), metrics=forgets, serving=forgets)


async def test_a_model_that_was_deleted_and_made_again_at_once_is_kept_although_its_end_is_told_last() -> None:
    forgotten: list[ObjectKey] = []
    operator = operator_with(forgotten, raw("first", 10), raw("second", 12))
    operator.queue.add(KEY)
    Operator.gone(operator, KEY, "first")
    assert KEY in operator.store
    assert operator.queue.depth == 1
    assert not forgotten


async def test_everything_that_is_known_of_a_model_that_is_gone_is_forgotten() -> None:
    forgotten: list[ObjectKey] = []
    operator = operator_with(forgotten, raw("first", 10))
    operator.queue.add(KEY)
    Operator.gone(operator, KEY, "first")
    assert KEY not in operator.store
    assert operator.queue.depth == 0
    assert forgotten == [KEY, KEY]


async def test_so_is_one_whose_end_a_status_write_had_found_before() -> None:
    forgotten: list[ObjectKey] = []
    operator = operator_with(forgotten)
    Operator.gone(operator, KEY, "first")
    assert forgotten == [KEY, KEY]
