"""Where synchronous SDKs run: a bounded pool of threads that never blocks the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import ParamSpec, TypeVar

from churn_operator.errors import Transient

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_running = threading.local()


def stop_if_given_up() -> None:
    """In a thread of a pool: raise Transient where nobody waits for the call any more. To be asked between requests by
    what makes any number of them."""
    given_up: threading.Event | None = getattr(_running, "given_up", None)
    if given_up is not None and given_up.is_set():
        raise Transient(_running.source, "nobody waits for the answer any more")


class ThreadPool:
    """At most `size` calls at a time; the time a call waits for a thread counts against `deadline`.

    The deadline frees the caller, not the thread: the SDK's own time-outs end a request that runs in it, and
    `stop_if_given_up` a listing of many.
    """

    def __init__(self, source: str, size: int, deadline: timedelta) -> None:
        self._source = source
        self._deadline = deadline
        self._executor = ThreadPoolExecutor(max_workers=size, thread_name_prefix=source)

    async def call(
        self, function: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """Run `function` in a thread and await its answer. Raises what it raises, and Transient past the deadline."""
        given_up = threading.Event()
        future = self._executor.submit(self._run, given_up, partial(function, *args, **kwargs))
        # Not wait_for: before Python 3.12 it loses a cancellation that comes just as the call ends.
        limit = asyncio.timeout(self._deadline.total_seconds())
        try:
            async with limit:
                return await asyncio.wrap_future(future)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Transient(self._source, f"no answer within {self._deadline.total_seconds():g} s") from None
        finally:
            given_up.set()

    def _run(self, given_up: threading.Event, function: Callable[[], Answer]) -> Answer:
        _running.given_up, _running.source = given_up, self._source
        return function()

    async def ended(self) -> None:
        """Return once nothing runs in a thread any more; after `close`."""
        await asyncio.to_thread(self._executor.shutdown, True)

    def close(self) -> None:
        """Start nothing more; what runs already goes on to its own time-out."""
        self._executor.shutdown(wait=False, cancel_futures=True)
