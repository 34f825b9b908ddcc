"""Polling with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from churn_devcluster.errors import DevclusterError
from churn_devcluster.processes import Process

_INTERVAL_SECONDS = 0.05


def wait_until(
    condition: Callable[[], bool],
    description: str,
    seconds: float,
    process: Process | None = None,
) -> None:
    """Polls `condition` until it holds.

    `process`, when given, is the one that has to bring the condition about: its early end is reported
    at once, with the end of its log.

    Raises:
        DevclusterError: the deadline passed, or the process ended.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if process is not None and not process.running:
            raise DevclusterError(
                f"{process.name} ended while waiting for {description}. The end of {process.log}:\n{process.log_tail()}"
            )
        if time.monotonic() > deadline:
            log = "" if process is None else f" The end of {process.log}:\n{process.log_tail()}"
            raise DevclusterError(f"Gave up waiting for {description} after {seconds:.0f} s.{log}")
        time.sleep(_INTERVAL_SECONDS)
