"""Who began a task: asyncio does not say, and whoever ends a library has to end its tasks and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import Any
from weakref import WeakKeyDictionary

_within: ContextVar[TaskScope | None] = ContextVar("task_scope", default=None)


class TaskScope:
    """The tasks that are begun while `entered()` is open, those that these begin in their turn, and so on."""

    def __init__(self) -> None:
        self._tasks: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._count = 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        """What is begun within belongs to this scope. The event loop needs `remember_scopes` first."""
        token = _within.set(self)
        try:
            yield
        finally:
            _within.reset(token)

    @property
    def running(self) -> list[asyncio.Task[Any]]:
        """Those that have not ended, in the order in which they were begun: whoever began another comes before it."""
        return sorted((task for task in self._tasks if not task.done()), key=self._tasks.__getitem__)

    def _begun(self, task: asyncio.Task[Any]) -> None:
        self._count += 1
        self._tasks[task] = self._count


def remember_scopes(loop: asyncio.AbstractEventLoop) -> None:
    """From now on every task of this loop is remembered by the scope that it is begun in, if any.

    By a task factory, since before Python 3.12 a task does not tell its context.
    """
    loop.set_task_factory(_begin)


def _begin(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    context: Context | None = None,
) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, context=context)
    scope = _within.get() if context is None else context.get(_within)
    if scope is not None:
        scope._begun(task)
    return task
