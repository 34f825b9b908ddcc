"""The Hooks port: webhooks with Flagger's payload, signed.

A signature is the hex HMAC-SHA256, with the Secret's key, of `<X-Churn-Timestamp>.<body>`: a receiver checks it and
refuses what is older than it likes, so that a recorded call cannot be played again.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from churn_operator.adapters.http import Answer, HttpSession
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.adapters.outbox import Outbox
from churn_operator.adapters.retries import with_retries
from churn_operator.api.v1alpha1.common import seconds_of
from churn_operator.core.hooks import HookAnswer, HookCall
from churn_operator.errors import Rejected, Transient

SOURCE = "Webhook"
SIGNATURE_HEADER = "X-Churn-Signature"
TIMESTAMP_HEADER = "X-Churn-Timestamp"
SECRET_FIELD = "key"

_SHOWN = 200
_PATIENCE = 10.0
_KEPT = 60.0
_PER_RECEIVER = 8


@dataclass
class _Asked:
    """A call that was made; `answered` is the event loop's time when it ended, `read` whether anybody waited."""

    task: asyncio.Task[Answer]
    answered: float | None = None
    read: bool = False


class Webhooks:
    """Calls hooks. A pass waits for an answer only so long; the call goes on, and its answer is for the next pass."""

    def __init__(
        self,
        api: KubernetesApi,
        clock: Callable[[], float] = time.time,
        patience: float = _PATIENCE,
        kept: float = _KEPT,
    ) -> None:
        """
        Args:
            api: for the Secrets.
            clock: seconds since 1970.
            patience: seconds that `ask` waits.
            kept: seconds for which an answer that nobody waited for counts, at least.
        """
        self._api = api
        self._clock = clock
        self._patience = patience
        self._kept = kept
        # A receiver that hangs, for minutes each time, holds up nobody else's.
        self._http = HttpSession(SOURCE, per_host=_PER_RECEIVER)
        self._asked: dict[HookCall, _Asked] = {}
        self._told: Outbox[HookCall] = Outbox(SOURCE, self._deliver)

    async def ask(self, call: HookCall, max_age: timedelta = timedelta(0)) -> HookAnswer:
        """See ports.Hooks."""
        seconds = max_age.total_seconds()
        asked = self._asked.get(call)
        if asked is None or self._is_older(asked, seconds):
            asked = self._start(call, seconds)
        done, _ = await asyncio.wait({asked.task}, timeout=self._patience)
        if not done:
            raise Transient(SOURCE, f"hook {call.hook.name}: there is no answer yet")
        asked.read = True
        answer = asked.task.result()
        if answer.ok:
            return HookAnswer(True)
        return HookAnswer(False, f"status {answer.status}: {answer.text[:_SHOWN]}".rstrip(": "))

    def tell(self, call: HookCall) -> None:
        """See ports.Hooks."""
        self._told.put(call, call.key)

    async def drained(self) -> None:
        """Return once everything is told."""
        await self._told.drained()

    async def close(self) -> None:
        """End all calls, and close all connections."""
        calls = [asked.task for asked in self._asked.values()]
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self._told.close()
        await self._http.close()

    def _start(self, call: HookCall, max_age: float) -> _Asked:
        task = asyncio.create_task(self._call(call), name=f"hook-{call.hook.name}")
        asked = self._asked[call] = _Asked(task)
        task.add_done_callback(lambda _: self._answered(call, asked, max(self._kept, max_age)))
        return asked

    def _answered(self, call: HookCall, asked: _Asked, kept: float) -> None:
        """Keep an answer for a while; tell asyncio that a failure is known even if nobody asks again."""
        if not asked.task.cancelled():
            asked.task.exception()
        loop = asyncio.get_running_loop()
        asked.answered = loop.time()
        loop.call_later(kept, self._forget, call, asked)

    def _is_older(self, asked: _Asked, max_age: float) -> bool:
        """Whether an answer was told, and that longer ago."""
        age = asyncio.get_running_loop().time() - asked.answered if asked.answered is not None else 0.0
        return asked.read and age >= max_age

    def _forget(self, call: HookCall, asked: _Asked) -> None:
        if self._asked.get(call) is asked:
            del self._asked[call]

    async def _deliver(self, call: HookCall) -> None:
        answer = await self._call(call)
        if not answer.ok:
            raise Rejected(SOURCE, f"hook {call.hook.name}: status {answer.status}: {answer.text[:_SHOWN]}")

    async def _call(self, call: HookCall) -> Answer:
        hook = call.hook
        key = None if hook.secret_ref is None else await self._key(call, hook.secret_ref.name)
        seconds = seconds_of(hook.timeout).total_seconds()
        try:
            return await with_retries(partial(self._post, hook.url, payload(call), key, seconds), hook.retries)
        except Transient as error:
            raise Transient(SOURCE, f"hook {hook.name}: {error.message}") from error

    async def _post(self, url: str, body: bytes, key: bytes | None, seconds: float) -> Answer:
        headers = {"Content-Type": "application/json", "User-Agent": "churnmodel-operator"}
        if key is not None:
            timestamp = str(int(self._clock()))
            headers |= {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: signature(key, timestamp, body)}
        return await self._http.post(url, body, headers, seconds)

    async def _key(self, call: HookCall, name: str) -> bytes:
        secret = await self._api.get(f"/api/v1/namespaces/{call.key.namespace}/secrets/{name}")
        of_hook = f"hook {call.hook.name}: the Secret {call.key.namespace}/{name}"
        if secret is None:
            raise Rejected(SOURCE, f"{of_hook} does not exist: create it")
        try:
            key = base64.b64decode(str((secret.get("data") or {}).get(SECRET_FIELD) or ""), validate=True)
        except binascii.Error:
            key = b""
        if not key:
            raise Rejected(SOURCE, f"{of_hook} has no field {SECRET_FIELD}: put the HMAC key there")
        return key


def payload(call: HookCall) -> bytes:
    """What is sent: Flagger's fields, so that its receivers work, and the type and name of the hook."""
    content = {
        "name": call.key.name,
        "namespace": call.key.namespace,
        "phase": call.phase,
        "checksum": call.checksum,
        "type": call.hook.type.value,
        "hook": call.hook.name,
        "metadata": dict(call.metadata),
    }
    return json.dumps(content).encode()


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """The value of X-Churn-Signature."""
    return "sha256=" + hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
