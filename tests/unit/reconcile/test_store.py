"""The store holds the newest state of each object, and nothing of it can be changed from outside."""

from __future__ import annotations

from typing import Any

from churn_operator.reconcile.store import ObjectStore

from tests.unit.reconcile.ports import KEY, churn_model


def version(number: int, uid: str = "u1") -> dict[str, Any]:
    raw = churn_model()
    raw["metadata"] |= {"resourceVersion": str(number), "uid": uid}
    return raw


def held(store: ObjectStore) -> str:
    raw = store.get(KEY)
    assert raw is not None
    return str(raw["metadata"]["resourceVersion"])


def test_an_older_or_equal_state_is_no_news() -> None:
    store = ObjectStore()
    assert store.put(KEY, version(10))
    assert not store.put(KEY, version(10))
    assert not store.put(KEY, version(9)), "as a number: 9 comes before 10"
    assert held(store) == "10"


def test_an_object_that_was_made_anew_replaces_its_namesake_and_not_the_other_way_round() -> None:
    store = ObjectStore()
    store.put(KEY, version(10))
    assert store.put(KEY, version(12, uid="u2"))
    assert not store.put(KEY, version(11)), "kopf tells of two objects of one name in any order"
    assert held(store) == "12"


def test_what_the_api_server_has_now_counts_although_its_version_is_older() -> None:
    store = ObjectStore()
    store.put(KEY, version(10))
    store.replace(KEY, version(7))
    assert held(store) == "7"


def test_what_is_given_away_or_taken_in_is_not_what_is_held() -> None:
    store, raw = ObjectStore(), version(1)
    store.put(KEY, raw)
    raw["spec"]["suspend"] = True
    given = store.get(KEY)
    assert given is not None
    given["spec"]["suspend"] = True
    assert store.get(KEY) == version(1)


def test_managed_fields_are_left_out_and_everything_else_is_kept() -> None:
    store, raw = ObjectStore(), version(1)
    raw["metadata"] |= {"managedFields": [{"manager": "kubectl"}], "annotations": {"a": "é"}}
    store.put(KEY, raw)
    del raw["metadata"]["managedFields"]
    assert store.get(KEY) == raw


def test_what_is_removed_is_gone() -> None:
    store = ObjectStore()
    store.put(KEY, version(1))
    assert KEY in store
    store.remove(KEY)
    assert KEY not in store
    assert store.get(KEY) is None
    assert list(store) == []


def test_the_end_of_an_object_that_is_told_late_does_not_end_another_of_its_name() -> None:
    store = ObjectStore()
    store.put(KEY, version(10, uid="first"))
    store.put(KEY, version(12, uid="second"))
    assert not store.remove(KEY, "first")
    assert held(store) == "12"
    assert store.remove(KEY, "second")
    assert KEY not in store
