"""The Notifier port: CloudEvents over HTTP, in structured mode."""

from __future__ import annotations

import hashlib
import re
from functools import partial

from cloudevents.conversion import to_structured
from cloudevents.http import CloudEvent

from churn_operator.adapters.http import HttpSession
from churn_operator.adapters.outbox import Outbox
from churn_operator.adapters.retries import with_retries
from churn_operator.api.v1alpha1.common import GROUP, KIND, PLURAL, VERSION
from churn_operator.core.notifications import Notification
from churn_operator.errors import Rejected
from churn_operator.settings import Settings

SOURCE = "CloudEvents"

_SECONDS = 5.0
_RETRIES = 4
_REVERSED_GROUP = ".".join(reversed(GROUP.split(".")))
# Before a capital that begins a word: RolledBack, KFPUnavailable, S3Rejected.
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class CloudEventsNotifier:
    """Sends to the sink of the settings; without one it says nothing."""

    def __init__(self, settings: Settings, limit: int = 1000) -> None:
        """At most `limit` events wait in each of four lanes."""
        self._sink = settings.cloudevents_sink
        self._source = settings.cloudevents_source
        self._http = HttpSession(SOURCE)
        self._outbox: Outbox[Notification] = Outbox(SOURCE, self._send, limit=limit)

    def publish(self, notification: Notification) -> None:
        """See ports.Notifier."""
        if self._sink:
            self._outbox.put(notification, notification.key)

    async def drained(self) -> None:
        """Return once everything is sent, or given up."""
        await self._outbox.drained()

    async def close(self) -> None:
        """Forget what waits, and close all connections."""
        await self._outbox.close()
        await self._http.close()

    async def _send(self, notification: Notification) -> None:
        headers, body = to_structured(cloud_event(notification, self._source))
        post = partial(self._http.post, self._sink, body, headers, _SECONDS)
        answer = await with_retries(post, _RETRIES)
        if not answer.ok:
            raise Rejected(SOURCE, f"the sink answered {answer.status}: {answer.text[:200]}")


def cloud_event(notification: Notification, source: str) -> CloudEvent:
    """The event; its id is the same however often it is sent, so that a receiver takes it once."""
    key, event = notification.key, notification.event
    time = notification.occurred.isoformat()
    said = "\n".join((notification.uid, time, event.type, event.reason, event.message))
    attributes = {
        "id": hashlib.sha256(said.encode()).hexdigest()[:32],
        "type": event_type(event.reason),
        "source": source,
        "subject": f"{key.namespace}/{key.name}",
        "time": time,
        "datacontenttype": "application/json",
    }
    data = {
        "type": event.type.value,
        "reason": event.reason,
        "message": event.message,
        "object": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "resource": PLURAL,
            "namespace": key.namespace,
            "name": key.name,
            "uid": notification.uid,
        },
        "versions": {"stable": notification.stable, "candidate": notification.candidate},
    }
    return CloudEvent(attributes, data)


def event_type(reason: str) -> str:
    """The type of an event of this reason.

    >>> event_type("RolledBack")
    'dev.churnops.churnmodel.rolled-back'
    """
    return f"{_REVERSED_GROUP}.{KIND.lower()}.{_WORD.sub('-', reason).lower()}"
