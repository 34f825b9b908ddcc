"""Events whose names tell their order."""

from datetime import UTC, datetime

import pytest
from churn_operator.adapters.cluster import event_manifest
from churn_operator.core.actions import Event, EventType
from churn_operator.core.observation import ObjectKey

pytestmark = pytest.mark.unit

_KEY = ObjectKey("shop", "telco")
_NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
_EVENT = Event(EventType.WARNING, "GateFailed", "rocAuc 0.71 is below 0.80")


def _name(now: datetime) -> str:
    name: str = event_manifest(_KEY, "u1", _EVENT, now)["metadata"]["name"]
    return name


def test_names_ascend_with_every_microsecond() -> None:
    moments = [_NOW, _NOW.replace(microsecond=1), _NOW.replace(microsecond=16), _NOW.replace(second=1)]
    moments += [_NOW.replace(hour=18), _NOW.replace(year=2400)]
    names = [_name(moment) for moment in moments]
    assert names == sorted(names)
    assert len(set(names)) == len(names)


def test_what_kubectl_describe_shows_is_there() -> None:
    manifest = event_manifest(_KEY, "u1", _EVENT, _NOW)
    assert manifest["involvedObject"] == {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "namespace": "shop",
        "name": "telco",
        "uid": "u1",
    }
    assert (manifest["type"], manifest["reason"], manifest["message"]) == ("Warning", _EVENT.reason, _EVENT.message)
    assert (manifest["count"], manifest["firstTimestamp"]) == (1, "2026-08-01T12:00:00Z")
    assert manifest["source"]["component"] == manifest["reportingComponent"] == "churnmodel-operator"


def test_names_and_messages_keep_to_the_api_servers_bounds() -> None:
    manifest = event_manifest(ObjectKey("shop", "n" * 253), "u1", Event(EventType.NORMAL, "R", "m" * 5000), _NOW)
    assert len(manifest["metadata"]["name"]) <= 253
    assert len(manifest["message"]) == 1024
