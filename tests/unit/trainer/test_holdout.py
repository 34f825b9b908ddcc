"""The holdout is frozen: membership depends on the customer id alone."""

from __future__ import annotations

import numpy as np
import pytest
from churn_report.digest import dataset_digest, is_dataset_object
from churn_trainer.holdout import HOLDOUT_SHARE, hash_ids, holdout_sha256, is_holdout
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.unit
_IDS = st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=40)


def _members(ids: list[str]) -> set[str]:
    return {name for name, inside in zip(ids, is_holdout(hash_ids(ids)), strict=True) if inside}


@given(_IDS, _IDS, st.randoms(use_true_random=False))
def test_added_customers_and_another_order_move_nobody(ids: list[str], others: list[str], random: object) -> None:
    table = [*ids, *(name for name in others if name not in ids)]
    shuffled = list(table)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert _members(shuffled) & set(ids) == _members(ids)


def test_known_customers_stay_where_they_were_in_the_first_release() -> None:
    ids = [f"{number:04d}-ABCDE" for number in range(20)]

    assert sorted(_members(ids)) == ["0003-ABCDE", "0005-ABCDE", "0009-ABCDE", "0011-ABCDE", "0012-ABCDE", "0013-ABCDE"]


def test_the_share_is_as_said() -> None:
    members = is_holdout(hash_ids(f"customer-{number}" for number in range(50_000)))

    # Five standard deviations of a binomial share.
    assert abs(np.mean(members) - HOLDOUT_SHARE) < 5 * np.sqrt(0.2 * 0.8 / 50_000)


def test_the_digest_of_the_holdout_ignores_order() -> None:
    assert holdout_sha256(["b", "a"]) == holdout_sha256(["a", "b"]) != holdout_sha256(["ab"])


def test_the_dataset_digest_is_the_documented_one() -> None:
    # printf 'a/1.csv e1 3\na/2.csv e2 4\n' | sha256sum
    expected = "5401b15c1839533732c23c473ee5b79df2a26593b784f17a721a4d95eee10991"

    assert dataset_digest([("a/2.csv", "e2", 4), ("a/1.csv", '"e1"', 3)]) == expected
    assert dataset_digest([("a/1.csv", "e1", 3)]) != expected


@pytest.mark.parametrize(
    ("key", "path", "belongs"),
    [
        ("a/b", "a/b", True),
        ("a/b/c.csv", "a/b", True),
        ("a/b/c.csv", "a/b/", True),
        ("a/bc", "a/b", False),
        ("a/b/", "a/b", False),
        ("x", "", True),
    ],
)
def test_which_objects_belong_to_a_dataset(key: str, path: str, belongs: bool) -> None:
    assert is_dataset_object(key, path) is belongs
