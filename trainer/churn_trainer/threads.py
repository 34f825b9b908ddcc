"""How many threads numeric libraries may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

_ROWS_WORTH_THREADS = 50_000


@contextmanager
def worthwhile_threads(rows: int) -> Iterator[None]:
    """One thread for work on few rows, all for more.

    OpenMP's threads wait for one another actively: on cores that others use too, gradient boosting of 5,000
    rows was twenty times slower with two threads than with one.
    """
    with threadpool_limits(1 if rows < _ROWS_WORTH_THREADS else None):
        yield
