"""Where synchronous SDKs run: a bounded pool of threads that never blocks the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import ParamSpec, TypeVar

from churn_operator.errors import Transient

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class ThreadPool:
    """At most `size` calls at a time; the time a call waits for a thread counts against `deadline`.

    The deadline frees the caller, not the thread: the SDK's own time-outs end what runs in it.
    """

    def __init__(self, source: str, size: int, deadline: timedelta) -> None:
        self._source = source
        self._deadline = deadline
        self._executor = ThreadPoolExecutor(max_workers=size, thread_name_prefix=source)

    async def call(
        self, function: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """Run `function` in a thread and await its answer. Raises what it raises, and Transient past the deadline."""
        future = self._executor.submit(function, *args, **kwargs)
        # Not wait_for: before Python 3.12 it loses a cancellation that comes just as the call ends.
        limit = asyncio.timeout(self._deadline.total_seconds())
        try:
            async with limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Transient(self._source, f"no answer within {self._deadline.total_seconds():g} s") from None

    async def ended(self) -> None:
        """Return once nothing runs in a thread any more; after `close`."""
        await asyncio.to_thread(self._executor.shutdown, True)

    def close(self) -> None:
        """Start nothing more; what runs already goes on to its own time-out."""
        self._executor.shutdown(wait=False, cancel_futures=True)
