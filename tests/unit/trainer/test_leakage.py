"""How much one column tells about the target: a leak shows, and chance does not look like one."""

from __future__ import annotations

import numpy as np
import pytest
from churn_trainer.leakage import LEAK_AUC, single_feature_auc

pytestmark = pytest.mark.unit


def test_a_reason_that_only_leavers_have_tells_all() -> None:
    positive = np.arange(400) % 4 == 0
    # Each leaver gives another reason; the others have none.
    reasons = np.where(positive, np.arange(400) + 1, 0)

    assert single_feature_auc(reasons, positive) == 1


@pytest.mark.parametrize("seed", range(5))
def test_rare_categories_tell_nothing_by_chance(seed: int) -> None:
    random = np.random.default_rng(seed)
    cities, positive = random.integers(0, 200, 150), random.random(150) < 0.27

    assert single_feature_auc(cities, positive) < 0.7 < LEAK_AUC


def test_large_groups_are_ranked_by_their_share() -> None:
    groups = np.repeat([0, 1], 5000)
    positive = np.concatenate([np.arange(5000) % 10 == 0, np.arange(5000) % 2 == 0])

    # 500 and 2,500 positives, 4,500 and 2,500 negatives; ties count half.
    pairs = 2500 * 4500 + (500 * 4500 + 2500 * 2500) / 2
    assert single_feature_auc(groups, positive) == pytest.approx(pairs / (3000 * 7000))
