"""Events that add up instead of flooding."""

from datetime import UTC, datetime

import pytest
from churn_operator.adapters.cluster import event_manifest
from churn_operator.core.actions import Event, EventType
from churn_operator.core.observation import ObjectKey

pytestmark = pytest.mark.unit

_KEY = ObjectKey("shop", "telco")
_NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
_EVENT = Event(EventType.WARNING, "GateFailed", "rocAuc 0.71 is below 0.80")


def _name(key: ObjectKey = _KEY, uid: str = "u1", event: Event = _EVENT, now: datetime = _NOW) -> str:
    name: str = event_manifest(key, uid, event, now)["metadata"]["name"]
    return name


def test_the_same_words_have_the_same_name_at_any_time() -> None:
    assert _name() == _name(now=_NOW.replace(hour=18))


@pytest.mark.parametrize(
    "other",
    [
        {"uid": "u2"},
        {"event": Event(EventType.NORMAL, _EVENT.reason, _EVENT.message)},
        {"event": Event(_EVENT.type, "RolledBack", _EVENT.message)},
        {"event": Event(_EVENT.type, _EVENT.reason, "rocAuc 0.72 is below 0.80")},
    ],
)
def test_other_words_or_another_object_have_another_name(other: dict[str, object]) -> None:
    assert _name(**other) != _name()  # type: ignore[arg-type]


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
