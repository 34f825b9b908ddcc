"""What a CloudEvent says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from churn_operator.adapters.cloudevents import cloud_event, event_type
from churn_operator.core.actions import Event, EventType
from churn_operator.core.notifications import Notification
from churn_operator.core.observation import ObjectKey

pytestmark = pytest.mark.unit

_NOTIFICATION = Notification(
    key=ObjectKey("shop", "telco"),
    uid="5f0c",
    event=Event(EventType.WARNING, "RolledBack", "version 4 was rolled back"),
    occurred=datetime(2026, 8, 1, 12, tzinfo=UTC),
    stable=3,
    candidate=4,
)


def test_attributes_and_data() -> None:
    event = cloud_event(_NOTIFICATION, "/clusters/one")
    attributes = {name: event[name] for name in ("specversion", "type", "source", "subject", "time")}
    assert attributes == {
        "specversion": "1.0",
        "type": "dev.churnops.churnmodel.rolled-back",
        "source": "/clusters/one",
        "subject": "shop/telco",
        "time": "2026-08-01T12:00:00+00:00",
    }
    data = event.get_data()
    assert (data["type"], data["reason"], data["message"]) == ("Warning", "RolledBack", "version 4 was rolled back")
    assert data["versions"] == {"stable": 3, "candidate": 4}


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("RolledBack", "rolled-back"),
        ("Promoted", "promoted"),
        ("KFPUnavailable", "kfp-unavailable"),
        ("S3Rejected", "s3-rejected"),
        ("RolledBackByHook", "rolled-back-by-hook"),
    ],
)
def test_the_type_is_the_reason_in_kebab_case(reason: str, kind: str) -> None:
    assert event_type(reason) == f"dev.churnops.churnmodel.{kind}"


def test_the_same_event_has_the_same_id() -> None:
    assert cloud_event(_NOTIFICATION, "/a")["id"] == cloud_event(replace(_NOTIFICATION), "/a")["id"]


@pytest.mark.parametrize(
    "other",
    [
        replace(_NOTIFICATION, uid="6f0c"),
        replace(_NOTIFICATION, occurred=_NOTIFICATION.occurred + timedelta(seconds=1)),
        replace(_NOTIFICATION, event=replace(_NOTIFICATION.event, reason="Promoted")),
        replace(_NOTIFICATION, event=replace(_NOTIFICATION.event, message="another")),
    ],
)
def test_another_event_has_another_id(other: Notification) -> None:
    assert cloud_event(other, "/a")["id"] != cloud_event(_NOTIFICATION, "/a")["id"]
