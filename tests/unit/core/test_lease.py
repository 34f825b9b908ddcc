"""Who may take a Lease, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from churn_operator.core.lease import LeaseRecord, LeaseTimes, claim, hand_over

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DURATION = timedelta(seconds=15)
EARLIER = NOW - timedelta(minutes=5)
HELD = LeaseRecord("other", DURATION, EARLIER, EARLIER, transitions=3)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_one_that_is_not_there_is_made() -> None:
    assert claim(None, "me", seconds(0), NOW, DURATION) == LeaseRecord("me", DURATION, NOW, NOW, 0)


def test_ones_own_is_renewed_and_stays_acquired_when_it_was() -> None:
    held = replace(HELD, holder="me")
    assert claim(held, "me", seconds(900), NOW, DURATION) == replace(held, renewed=NOW)


@pytest.mark.parametrize("unchanged", [0, 14.9])
def test_anothers_is_left_alone_while_it_may_be_renewed(unchanged: float) -> None:
    assert claim(HELD, "me", seconds(unchanged), NOW, DURATION) is None


def test_times_in_it_are_of_another_machine_and_count_for_nothing() -> None:
    long_past = replace(HELD, renewed=NOW - timedelta(days=1))
    to_come = replace(HELD, renewed=NOW + timedelta(days=1))
    assert claim(long_past, "me", seconds(1), NOW, DURATION) is None
    assert claim(to_come, "me", seconds(15), NOW, DURATION) is not None


def test_one_that_was_not_renewed_is_taken_and_the_change_counted() -> None:
    assert claim(HELD, "me", seconds(15), NOW, DURATION) == LeaseRecord("me", DURATION, NOW, NOW, 4)


def test_the_holders_duration_counts_not_ones_own() -> None:
    longer = replace(HELD, duration=seconds(60))
    assert claim(longer, "me", seconds(30), NOW, DURATION) is None


def test_one_that_was_handed_over_is_taken_at_once() -> None:
    assert claim(hand_over(HELD, NOW), "me", seconds(0), NOW, DURATION) == LeaseRecord("me", DURATION, NOW, NOW, 4)


@pytest.mark.parametrize(("duration", "renew", "retry"), [(15, 15, 2), (10, 15, 2), (15, 10, 10), (15, 10, 0)])
def test_times_that_do_not_follow_one_another_are_refused(duration: float, renew: float, retry: float) -> None:
    with pytest.raises(ValueError, match="CHURN_LEASE_RETRY_SECONDS < CHURN_LEASE_RENEW_SECONDS"):
        LeaseTimes(seconds(duration), seconds(renew), seconds(retry))
