"""Who may work, of several operators: the rules of a coordination.k8s.io/v1 Lease, as client-go follows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True)
class LeaseRecord:
    """What stands in a Lease. `holder` is "" once it was handed over; `transitions` counts changes of the holder."""

    holder: str
    duration: timedelta
    acquired: datetime
    renewed: datetime
    transitions: int = 0


@dataclass(frozen=True)
class LeaseTimes:
    """How long a Lease that is not renewed stays its holder's, how long the holder tries to renew it before it stops
    by itself, and the time between two tries. Raises ValueError where these do not follow one another."""

    duration: timedelta = timedelta(seconds=15)
    renew: timedelta = timedelta(seconds=10)
    retry: timedelta = timedelta(seconds=2)

    def __post_init__(self) -> None:
        if not timedelta(0) < self.retry < self.renew < self.duration:
            raise ValueError(
                "the times of the lease have to be 0 < CHURN_LEASE_RETRY_SECONDS < CHURN_LEASE_RENEW_SECONDS < "
                f"CHURN_LEASE_DURATION_SECONDS, and are {self.retry.total_seconds():g}, "
                f"{self.renew.total_seconds():g} and {self.duration.total_seconds():g}"
            )


def claim(
    found: LeaseRecord | None, identity: str, unchanged: timedelta, now: datetime, duration: timedelta
) -> LeaseRecord | None:
    """The record with which `identity` takes or renews the Lease; None while another holds it.

    `unchanged` is how long `found` was seen to stay as it is, by one's own clock: the times in it are of another
    machine's, and count for nothing.
    """
    if found is None:
        return LeaseRecord(identity, duration, now, now)
    if found.holder == identity:
        return replace(found, renewed=now, duration=duration)
    if found.holder and unchanged < found.duration:
        return None
    return LeaseRecord(identity, duration, now, now, found.transitions + 1)


def hand_over(held: LeaseRecord, now: datetime) -> LeaseRecord:
    """The record that leaves the Lease to whoever comes first."""
    return replace(held, holder="", renewed=now, duration=timedelta(seconds=1))
