"""What is told to the world outside the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from churn_operator.core.actions import Event
from churn_operator.core.observation import ObjectKey


@dataclass(frozen=True)
class Notification:
    """An Event of a ChurnModel, with the versions it was about.

    `occurred` is the time of the decision that made the event: it tells two equal events apart.
    """

    key: ObjectKey
    uid: str
    event: Event
    occurred: datetime
    stable: int | None = None
    candidate: int | None = None
