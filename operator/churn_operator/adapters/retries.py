"""Trying again, a bounded number of times."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from churn_operator.adapters.http import Answer
from churn_operator.adapters.kubernetes_api import parse_retry_after
from churn_operator.errors import Transient

_TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE = 5.0


async def with_retries(attempt: Callable[[], Awaitable[Answer]], retries: int, pause: float = 0.25) -> Answer:
    """The answer of the first attempt that has one which is not a gateway's excuse (429, 502, 503, 504), else the
    last attempt's; the pause doubles from attempt to attempt, and is what Retry-After asks for where that is longer,
    but never more than five seconds. Raises what the last attempt raises."""
    for left in range(retries, -1, -1):
        wished = 0.0
        try:
            answer = await attempt()
            if answer.status not in _TRANSIENT_STATUSES or not left:
                return answer
            asked = parse_retry_after(answer.retry_after)
            wished = asked.total_seconds() if asked is not None else 0.0
        except Transient:
            if not left:
                raise
        await asyncio.sleep(min(max(pause, wished), _LONGEST_PAUSE))
        pause *= 2
    raise AssertionError("there is at least one attempt")
