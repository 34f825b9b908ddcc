"""What the guides say is sent to hooks and to the sink of CloudEvents, against what the operator sends."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from churn_operator.adapters.cloudevents import cloud_event
from churn_operator.adapters.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, payload, signature
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus
from churn_operator.core.actions import Event, EventType
from churn_operator.core.hook_calls import hooks_question
from churn_operator.core.hooks import event_metadata
from churn_operator.core.notifications import Notification
from churn_operator.core.observation import ObjectKey
from churn_operator.settings import Settings

GUIDES = Path(__file__).parents[3] / "docs" / "how-to"
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
KEY = ObjectKey("retention", "hooked")


def fence(page: str, language: str) -> str:
    """The only fence of this language in a guide."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", (GUIDES / page).read_text(), re.MULTILINE | re.DOTALL)
    return str(text)


def shape(content: Any) -> Any:
    """Names and kinds of the values, without the values."""
    match content:
        case dict():
            return {name: shape(value) for name, value in content.items()}
        case None | int():
            return "number or null"
        case _:
            return type(content).__name__


def sent_to_a_confirming_hook() -> Any:
    hook = {"name": "change-board", "type": "confirm-promotion", "url": "https://change.example.com/churn"}
    spec = {"dataset": {"uri": "s3://mlops-data/customers.csv"}, "rollout": {"hooks": [hook]}}
    rollout = {"stable": 1, "candidate": 2, "step": 2, "weight": 100, "awaiting": "confirm-promotion"}
    status = ChurnModelStatus.model_validate({"rollout": rollout})
    question = hooks_question(KEY, ChurnModelSpec.model_validate(spec), status)
    assert question is not None
    return json.loads(payload(question.calls[0]))


def test_the_payload_of_a_hook_is_the_one_that_is_shown() -> None:
    sent, shown = sent_to_a_confirming_hook(), json.loads(fence("hooks.md", "json"))
    assert {**shown, "checksum": ""} == sent


def test_what_an_event_hook_is_told_is_named() -> None:
    guide = (GUIDES / "hooks.md").read_text()
    told = event_metadata(Event(EventType.NORMAL, "Promoted", "version 2 is in service"), NOW)
    assert [name for name, _ in told if f"`{name}`" not in guide] == []


def test_the_headers_are_those_that_are_sent() -> None:
    guide = (GUIDES / "hooks.md").read_text()
    assert f"`{SIGNATURE_HEADER}`" in guide
    assert f"`{TIMESTAMP_HEADER}`" in guide


def test_the_receiver_that_is_shown_takes_our_calls_and_no_others() -> None:
    names: dict[str, Any] = {}
    exec(fence("hooks.md", "python"), names)
    is_ours: Callable[[bytes, str, str, bytes], bool] = names["is_ours"]
    key, body, now = b"a secret between two", b'{"name": "hooked"}', str(int(time.time()))
    assert is_ours(key, now, signature(key, now, body), body)
    assert not is_ours(key, now, signature(b"another", now, body), body)
    assert not is_ours(key, now, signature(key, now, body), body + b" ")
    old = str(int(time.time()) - 3600)
    assert not is_ours(key, old, signature(key, old, body), body)


def test_a_cloud_event_is_the_one_that_is_shown() -> None:
    event = Event(EventType.WARNING, "RolledBack", "version 2 was rolled back")
    sent = cloud_event(Notification(KEY, "5f0c", event, NOW, stable=1), Settings().cloudevents_source)
    shown = json.loads(fence("notifications.md", "json"))
    assert shape({**sent.get_attributes(), "data": sent.get_data()}) == shape(shown)
    assert {name: sent[name] for name in ("type", "source", "time")} == {
        name: shown[name] for name in ("type", "source", "time")
    }
