"""What is in Git stays what is there: in every phase a sync finds no difference, and Argo CD and Flux judge right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from churn_operator.core.verbs import Verb

from tests.integration.gitops.conftest import GitModel, Verdict, operator_of
from tests.unit.core.world import World
from tests.unit.gitops.argocd import Argo
from tests.unit.gitops.phases import PHASES, made, spec_of

pytestmark = pytest.mark.cluster


async def show(model: GitModel, world: World) -> None:
    """Bring the live object where the world is: the spec as Git has it, then what the operator writes."""
    for generation in range(1, world.generation + 1):
        # Each generation is a commit; only the last one is the spec of the world.
        spec = spec_of(world)
        if generation < world.generation:
            spec = {**spec, "history": {"limit": 10 + world.generation - generation}}
        model.sync(spec)
    async with operator_of(model) as cluster:
        if world.finalized:
            await cluster.set_finalizer(model.key, True)
        if world.deletion_requested is not None:
            model.delete()
        if world.status is not None:
            version = model.live()["metadata"]["resourceVersion"]
            await cluster.write_status(model.key, world.status, version)


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "spec unreadable"])
async def test_a_sync_finds_no_difference(
    phase: str, git_model: GitModel, kstatus: Callable[[dict[str, Any]], Verdict]
) -> None:
    _, argo_health, flux_status = PHASES[phase]
    world = made(phase)
    await show(git_model, world)
    live = git_model.live()
    assert git_model.sync(spec_of(world), dry_run=True) == live
    assert live["metadata"]["generation"] == world.generation + (world.deletion_requested is not None)
    assert Argo().health(live)["status"] == argo_health
    assert kstatus(live)["status"] == flux_status, kstatus(live)


async def test_a_difference_is_seen(git_model: GitModel) -> None:
    world = made("canary")
    await show(git_model, world)
    predicted = git_model.sync({**spec_of(world), "suspend": True}, dry_run=True)
    assert predicted["spec"]["suspend"] is True
    assert predicted != git_model.live()


@pytest.mark.parametrize("verb", sorted(verb.value for verb in Verb))
async def test_what_an_action_writes_is_no_difference_and_a_sync_leaves_it(verb: str, git_model: GitModel) -> None:
    world = made("canary")
    await show(git_model, world)
    before = git_model.live()
    live = git_model.patch(before, Argo().act(verb, before))
    assert live["metadata"]["annotations"][f"churnops.dev/{verb}"]
    assert live["metadata"]["generation"] == before["metadata"]["generation"]
    assert git_model.sync(spec_of(world), dry_run=True) == live
    assert git_model.sync(spec_of(world)) == live


async def test_a_rollback_by_argo_cd_survives_a_sync_until_it_is_unpinned(git_model: GitModel) -> None:
    world = made("promoted")
    await show(git_model, world)
    before = git_model.live()
    live = git_model.patch(before, Argo().act("rollback", before))
    assert live["spec"]["rollbackTo"] == 1
    assert git_model.sync(spec_of(world), dry_run=True) == live
    assert git_model.sync(spec_of(world))["spec"]["rollbackTo"] == 1
    unpinned = git_model.patch(live, Argo().act("unpin", live))
    assert "rollbackTo" not in unpinned["spec"]
    assert git_model.sync(spec_of(world), dry_run=True) == unpinned
