"""The Metrics port over Prometheus' HTTP API.

No data is not a good sign, nor a bad one: a version without series has answered no requests, of which the checks make
Inconclusive. Only an answer counts as data: where there is none, an AdapterError is raised.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from churn_operator.adapters.http import Answer, HttpSession
from churn_operator.adapters.kubernetes_api import parse_retry_after
from churn_operator.adapters.prometheus_queries import ALWAYS, OF_COMPARISONS, Counted, filled, increase_of
from churn_operator.core.analysis.samples import (
    EMPTY,
    Comparisons,
    Histogram,
    Measurement,
    Traffic,
    TrafficSample,
    VersionSample,
)
from churn_operator.core.live_traffic import TrafficQuestion, TrafficWindow
from churn_operator.errors import AdapterError, Rejected, Transient, Unreadable

SOURCE = "Prometheus"

_SECONDS = 10.0
_LARGEST_ANSWER = 4 * 1024 * 1024
_TRANSIENT_ERRORS = frozenset({"timeout", "canceled", "internal", "unavailable"})
_TRANSIENT_STATUSES = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Series:
    """One value of an instant query, with its labels."""

    metric: Mapping[str, str]
    value: float


class PrometheusMetrics:
    """Instant queries, POSTed, each within ten seconds."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        """`seconds` is how long one query may take."""
        self._seconds = seconds
        self._http = HttpSession(SOURCE)

    async def traffic(self, question: TrafficQuestion) -> Traffic:
        """See ports.Metrics."""
        return tuple(await asyncio.gather(*(self._sample(question, window) for window in question.windows)))

    async def measure(self, question: TrafficQuestion, name: str, template: str) -> Measurement:
        """See ports.Metrics."""
        try:
            expression = filled(template, question)
            found = await self._ask(question.prometheus, expression, question.windows[-1].end)
        except (ValueError, Rejected) as error:
            message = error.message if isinstance(error, Rejected) else str(error)
            raise Rejected(SOURCE, f"check {name}: {message}") from error
        if len(found) > 1:
            raise Rejected(
                SOURCE, f"check {name}: the query gives {len(found)} values where one is needed: sum() or avg() them"
            )
        value = found[0].value if found else math.nan
        return Measurement(name, value if math.isfinite(value) else None)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def _sample(self, question: TrafficQuestion, window: TrafficWindow) -> TrafficSample:
        wanted = (*ALWAYS, *OF_COMPARISONS) if window.compared else ALWAYS
        answers = await asyncio.gather(
            *(self._ask(question.prometheus, increase_of(each, question, window), window.end) for each in wanted)
        )
        counted = dict(zip(wanted, answers, strict=True))
        return TrafficSample(
            stable=version_sample(counted, question.stable),
            candidate=version_sample(counted, question.candidate),
            comparisons=comparisons(counted, question.candidate) if window.compared else None,
        )

    async def _ask(self, prometheus: str, expression: str, moment: datetime) -> list[Series]:
        form = {"query": expression, "time": f"{moment.timestamp():.3f}", "timeout": f"{math.ceil(self._seconds)}s"}
        url = f"{prometheus.rstrip('/')}/api/v1/query"
        answer = await self._http.post(url, form, {"Accept": "application/json"}, self._seconds, _LARGEST_ANSWER)
        return read_answer(answer)


def version_sample(counted: Mapping[Counted, Sequence[Series]], version: int) -> VersionSample:
    """One version's counts; what has no series has counted nothing."""
    mine = _series_of(counted, version)
    return VersionSample(
        requests=_total(mine[Counted.REQUESTS]),
        errors=_total(mine[Counted.ERRORS]),
        latency=histogram(mine[Counted.LATENCY]),
        scores=histogram(mine[Counted.SCORES]),
    )


def comparisons(counted: Mapping[Counted, Sequence[Series]], candidate: int) -> Comparisons:
    """How a candidate's answers to mirrored requests compare; what has no series has counted nothing."""
    mine = _series_of(counted, candidate)
    return Comparisons(
        copies=_total(mine[Counted.COPIES]),
        compared=_total(mine[Counted.COMPARISONS]),
        differing=_total(mine[Counted.DISAGREEMENTS]),
        failures=tuple((one.metric.get("reason", ""), one.value) for one in mine[Counted.COMPARISON_FAILURES]),
    )


def _series_of(counted: Mapping[Counted, Sequence[Series]], version: int) -> Mapping[Counted, Sequence[Series]]:
    return {
        each: [one for one in series if one.metric.get("version") == str(version)] for each, series in counted.items()
    }


def _total(series: Sequence[Series]) -> float:
    return math.fsum(one.value for one in series)


def histogram(buckets: Sequence[Series]) -> Histogram:
    """From Prometheus' cumulative buckets. Raises Unreadable if they are no histogram."""
    if not buckets:
        return EMPTY
    try:
        cumulative = sorted((float(one.metric["le"]), one.value) for one in buckets)
        heights = [height for _, height in cumulative]
        steps = zip([0.0, *heights], heights, strict=False)
        return Histogram(tuple(bound for bound, _ in cumulative), tuple(max(high - low, 0.0) for low, high in steps))
    except (KeyError, ValueError) as error:
        raise Unreadable(SOURCE, f"the buckets are no histogram: {error}") from error


def read_answer(answer: Answer) -> list[Series]:
    """The values of an instant query.

    Raises Rejected with Prometheus' own words for a query that it refuses, and for an address where there is no
    Prometheus; Transient for what may be otherwise next time.
    """
    content = _content(answer)
    if not answer.ok or content is None or content.get("status") != "success":
        raise _error(answer, content or {})
    try:
        data = content["data"]
        match data["resultType"]:
            case "vector":
                return [Series(dict(each["metric"]), float(each["value"][1])) for each in data["result"]]
            case "scalar":
                return [Series({}, float(data["result"][1]))]
            case other:
                raise Rejected(SOURCE, f"the query gives a {other} where one number is needed")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Unreadable(SOURCE, f"the answer cannot be read: {error!r}") from error


def _content(answer: Answer) -> Mapping[str, Any] | None:
    try:
        content = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, Mapping) else None


def _error(answer: Answer, content: Mapping[str, Any]) -> AdapterError:
    said = str(content.get("error") or "")[:1000]
    if answer.status >= 500 or answer.status in _TRANSIENT_STATUSES or content.get("errorType") in _TRANSIENT_ERRORS:
        return Transient(SOURCE, f"{answer.status} {said}".strip(), parse_retry_after(answer.retry_after))
    if said:
        return Rejected(SOURCE, said)
    if answer.ok and len(answer.text) >= _LARGEST_ANSWER:
        return Rejected(SOURCE, f"the query gives more than {_LARGEST_ANSWER} bytes")
    if answer.ok:
        return Transient(SOURCE, f"the answer is not of Prometheus: {answer.text[:200]}")
    return Rejected(SOURCE, f"status {answer.status}: is this the address of Prometheus?")
