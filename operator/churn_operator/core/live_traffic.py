"""What is asked of Prometheus about a rollout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from churn_operator.core.observation import ObjectKey


@dataclass(frozen=True)
class TrafficWindow:
    """A time in which the traffic's split did not change, i.e. a step; `end` is after `start`, both with a zone.

    `compared` says whether the candidate's answers to mirrored requests were compared in it.
    """

    start: datetime
    end: datetime
    compared: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a window without length."""
        if self.end <= self.start:
            raise ValueError(f"the window from {self.start} to {self.end} has no length")


@dataclass(frozen=True)
class TrafficQuestion:
    """What both versions answered since the candidate first had traffic.

    Attributes:
        prometheus: address of Prometheus.
        key: the ChurnModel.
        stable, candidate: version numbers.
        windows: the steps so far, ascending; at least one.
        interval: how often the analysis runs, for the templates of users.
    """

    prometheus: str
    key: ObjectKey
    stable: int
    candidate: int
    windows: tuple[TrafficWindow, ...]
    interval: timedelta

    def __post_init__(self) -> None:
        """Raises ValueError without a window."""
        if not self.windows:
            raise ValueError("a question about traffic needs a window")
