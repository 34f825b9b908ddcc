"""Whose tasks are whose: those of a library can be ended, and nobody else's are."""

from __future__ import annotations

import asyncio
from contextvars import copy_context

import pytest
from churn_operator.reconcile.task_scope import TaskScope, remember_scopes


async def forever() -> None:
    await asyncio.Event().wait()


async def family(begun: list[asyncio.Task[None]]) -> None:
    """A task that begins another, by a group and by gather, as libraries do."""
    async with asyncio.TaskGroup() as group:
        begun.append(group.create_task(forever()))
        await asyncio.gather(forever(), asyncio.create_task(forever()))


@pytest.fixture
async def scope() -> TaskScope:
    remember_scopes(asyncio.get_running_loop())
    return TaskScope()


async def test_a_task_and_those_that_it_begins_belong_to_the_scope_and_none_before_or_after(scope: TaskScope) -> None:
    begun: list[asyncio.Task[None]] = []
    before = asyncio.create_task(forever())
    with scope.entered():
        within = asyncio.create_task(family(begun))
    after = asyncio.create_task(forever())
    await asyncio.sleep(0.01)
    assert scope.running[:2] == [within, *begun]
    assert len(scope.running) == 4
    assert not {before, after} & set(scope.running)
    await ended(before, within, after)


async def test_what_has_ended_is_forgotten(scope: TaskScope) -> None:
    with scope.entered():
        task = asyncio.create_task(asyncio.sleep(0))
    await task
    assert scope.running == []


async def test_a_task_belongs_to_the_scope_of_the_context_that_it_is_given(scope: TaskScope) -> None:
    outside, loop = copy_context(), asyncio.get_running_loop()
    with scope.entered():
        task = loop.create_task(forever(), context=outside)
    assert scope.running == []
    await ended(task)


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=5)
