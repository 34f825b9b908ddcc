"""A condition's time moves only when its status does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churn_operator.api.conditions import ConditionType, Finding, dated
from churn_operator.api.v1alpha1 import ConditionStatus

from tests.unit.api.statuses import NOON

pytestmark = pytest.mark.unit

LATER = NOON + timedelta(hours=1)
TRAINED = Finding(ConditionType.TRAINED, ConditionStatus.TRUE, "Succeeded", "Version 1 was trained.")


def test_a_first_finding_is_dated_now() -> None:
    condition = dated(TRAINED, None, generation=3, now=NOON)
    assert condition.last_transition_time == NOON
    assert (condition.type, condition.status, condition.observed_generation) == ("Trained", ConditionStatus.TRUE, 3)


def test_another_reason_or_generation_keeps_the_time() -> None:
    before = dated(TRAINED, None, generation=3, now=NOON)
    again = Finding(TRAINED.type, TRAINED.status, "Adopted", "Version 1 was adopted.")
    after = dated(again, before, generation=4, now=LATER)
    assert after.last_transition_time == NOON
    assert (after.reason, after.message, after.observed_generation) == ("Adopted", "Version 1 was adopted.", 4)


def test_another_status_moves_the_time() -> None:
    before = dated(TRAINED, None, generation=3, now=NOON)
    failed = Finding(TRAINED.type, ConditionStatus.FALSE, "Failed", "The run failed.")
    assert dated(failed, before, generation=3, now=LATER).last_transition_time == LATER
