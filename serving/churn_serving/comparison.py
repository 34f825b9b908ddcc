"""Mirrored requests: what another version answers to the same customers.

A gateway sends this version copies of requests and throws its answers away. The operator has it name the receiver in
MIRROR_HEADER, since nothing else tells a copy from a request. Once a copy is answered, the other version's server
is asked the same, and the classes are compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
import orjson
from starlette.background import BackgroundTask

from churn_serving.metrics import ComparisonMetrics, ModelIdentity
from churn_serving.settings import Peer

MIRROR_HEADER = "x-churn-mirrored-to"
"""On requests of which a version gets copies, and on the copies: the number of that version."""

COMPARISON_HEADER = "x-churn-compared-by"
"""On what one version's server asks another's: the asking version. It is no traffic, and never compared in its turn."""

VERSION_HEADER = "x-churn-model-version"
"""On every answer: the version that gave it."""

_SECONDS = 3.0
_AT_ONCE = 4
_MOST_WAITING = 64
_MOST_WAITING_BYTES = 8 * 2**20


class Failure(StrEnum):
    """Why a mirrored request was not compared."""

    DROPPED = "Dropped"
    TIMED_OUT = "TimedOut"
    UNREACHABLE = "Unreachable"
    REFUSED = "Refused"
    FAILED = "Failed"
    OTHER_VERSION = "OtherVersion"
    UNREADABLE = "Unreadable"


class NotComparedError(Exception):
    """The other version gave no answer to compare with."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True)
class Mirrored:
    """A mirrored request, and what this version answered.

    Attributes:
        protocol: v1 or v2.
        body: as it came.
        answer: the decoded body of the answer.
    """

    protocol: str
    body: bytes
    answer: Mapping[str, Any]


class Comparer:
    """Asks the other version in the background: one try, three seconds, four at once, 64 waiting. More are dropped,
    and counted as such. Nothing of it reaches whoever asked this server."""

    def __init__(
        self,
        peer: Peer,
        identity: ModelIdentity,
        metrics: ComparisonMetrics,
        transport: httpx.AsyncBaseTransport | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        """`identity` is this server's own; `seconds` is how long a comparison may take, its turn included;
        `transport` leads to the peer."""
        self._peer = peer
        self._metrics = metrics
        self._seconds = seconds
        self._paths = {"v1": f"/v1/models/{identity.name}:predict", "v2": f"/v2/models/{identity.name}/infer"}
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._waiting_bytes = 0
        # Idle connections are let go of before the other server does so after five seconds.
        limits = httpx.Limits(max_connections=_AT_ONCE, keepalive_expiry=2.0)
        headers = {COMPARISON_HEADER: identity.version, "content-type": "application/json"}
        self._client = httpx.AsyncClient(
            headers=headers, timeout=seconds, limits=limits, transport=transport, trust_env=False
        )

    def accept(self, mirrored: Mirrored) -> BackgroundTask | None:
        """The comparison, to be run once the answer is sent; None if too many wait."""
        size = len(mirrored.body)
        if self._waiting >= _MOST_WAITING or self._waiting_bytes + size > _MOST_WAITING_BYTES:
            self._metrics.failed(self._peer.version, Failure.DROPPED)
            return None
        self._waiting += 1
        self._waiting_bytes += size
        return BackgroundTask(self._compare, mirrored)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _compare(self, mirrored: Mirrored) -> None:
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                theirs = await self._ask(mirrored)
            share = share_of_other_classes(mirrored.answer, theirs)
        except NotComparedError as error:
            self._metrics.failed(self._peer.version, error.failure)
        except (TimeoutError, httpx.TimeoutException):
            self._metrics.failed(self._peer.version, Failure.TIMED_OUT)
        except httpx.HTTPError:
            self._metrics.failed(self._peer.version, Failure.UNREACHABLE)
        else:
            self._metrics.compared(self._peer.version, share)
        finally:
            self._waiting -= 1
            self._waiting_bytes -= len(mirrored.body)

    async def _ask(self, mirrored: Mirrored) -> Any:
        url = self._peer.url + self._paths[mirrored.protocol]
        answer = await self._client.post(url, content=_question(mirrored.body))
        if answer.status_code != httpx.codes.OK:
            raise NotComparedError(Failure.FAILED if answer.is_server_error else Failure.REFUSED)
        if answer.headers.get(VERSION_HEADER) != self._peer.version:
            raise NotComparedError(Failure.OTHER_VERSION)
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise NotComparedError(Failure.UNREADABLE) from None


def _question(body: bytes) -> bytes:
    """The same request, but for all outputs: a v2 client may have asked for some of them."""
    asked = orjson.loads(body)
    if "outputs" not in asked:
        return body
    return orjson.dumps({field: value for field, value in asked.items() if field != "outputs"})


def share_of_other_classes(ours: Mapping[str, Any], theirs: Any) -> float:
    """Of the customers in a request, the share that the two answers give different classes, from 0 to 1.

    Ours may lack the classes, where a v2 client asked for probabilities only: these then stand for them.

    Raises:
        NotComparedError: the answers are not about as many customers, or theirs is none.
    """
    try:
        mine, others = _classes(ours), _classes(theirs, among=_outputs(ours))
        if not mine or len(mine) != len(others):
            raise ValueError("the answers are not about the same customers")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotComparedError(Failure.UNREADABLE) from None
    differing = [one for one, other in zip(mine, others, strict=True) if one != other]
    return len(differing) / len(mine)


def _classes(answer: Mapping[str, Any], among: Mapping[str, Sequence[Any]] | None = None) -> list[Any]:
    outputs = _outputs(answer)
    if "class" in (outputs if among is None else among):
        return list(outputs["class"])
    return [probability > 0.5 for probability in outputs["probability"]]


def _outputs(answer: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
    """Classes and probabilities by name, whichever protocol the answer is of."""
    if "outputs" in answer:
        return {output["name"]: output["data"] for output in answer["outputs"]}
    predictions = answer["predictions"]
    return {name: [each[name] for each in predictions] for name in ("class", "probability")}
