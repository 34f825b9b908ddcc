"""What the command line asks for is what the operator heeds: both against the same world."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from churnctl.errors import ChurnctlError, NotFoundError
from churnctl.verbs import Verb, came_true, wish
from churnctl.view import ChurnModel

from tests.unit.cli.objects import model_of
from tests.unit.core.world import ModelPlan, World, in_service

pytestmark = pytest.mark.unit

APPROVALS = [
    {"weight": 10, "bake": "90s", "approval": True},
    {"weight": 50, "bake": "90s"},
    {"weight": 100, "bake": "30s", "approval": True},
]


def rolling_out(**changes: Any) -> World:
    """Version 2 has its first share of the traffic."""
    world = in_service("knative", **changes)
    world.change(training__seed=2)
    return world.until(lambda one: one.traffic().get(2) == 10)


def make(world: World, verb: Verb, number: int | None = None) -> tuple[ChurnModel, str]:
    """What was there before, and the value that was asked for."""
    before = model_of(world)
    made = wish(before, verb, number, world.now)
    world.annotate(**{verb.value: made.value})
    world.reconcile()
    return before, made.value


def heeded(world: World, verb: Verb) -> None:
    """The verb is asked for, heeded at once, and seen to be."""
    before, value = make(world, verb)
    after = model_of(world)
    assert after.consumed[verb] == value
    assert came_true(after, before, verb)
    assert "AnnotationIgnored" not in world.reasons()


def test_pause_resume_and_pause_again_are_heeded_each_time() -> None:
    world = rolling_out()
    for verb in (Verb.PAUSE, Verb.RESUME, Verb.PAUSE, Verb.RESUME, Verb.ABORT):
        heeded(world, verb)


def test_the_first_value_is_the_version_and_the_next_one_the_time() -> None:
    world = rolling_out()
    assert make(world, Verb.PAUSE)[1] == "2"
    make(world, Verb.RESUME)
    assert make(world, Verb.PAUSE)[1].startswith("2026-03-01T")


def test_each_step_that_asks_for_approval_is_approved() -> None:
    world = rolling_out(rollout__steps=APPROVALS)
    heeded(world, Verb.APPROVE)
    world.settle()
    assert model_of(world).rollout.step == 2
    heeded(world, Verb.APPROVE)
    assert "version 2" in (model_of(world).standing or "")
    world.settle()
    assert model_of(world).rollout.stable == 2


def test_an_operator_that_was_faster_than_the_command_is_told_by_how_it_stands() -> None:
    done = model_of(in_service("knative"))
    assert done.condition("Reconciling").status == "False"
    assert done.standing == done.condition("Ready").message


def test_promote_skips_the_rest() -> None:
    world = rolling_out()
    heeded(world, Verb.PROMOTE)
    world.settle()
    assert model_of(world).rollout.stable == 2


def test_retry_brings_back_what_was_aborted() -> None:
    world = rolling_out()
    heeded(world, Verb.ABORT)
    world.settle()
    assert model_of(world).rollout.candidate is None
    heeded(world, Verb.RETRY)
    world.settle()
    assert model_of(world).rollout.stable == 2


def test_retry_has_a_version_judged_again_that_the_gate_refused() -> None:
    world = in_service("knative", evaluation__minimums={"rocAuc": 0.8})
    world.plans[2] = ModelPlan(area=0.75)
    world.change(training__seed=2)
    world.settle()
    assert model_of(world).versions[-1].state == "Rejected"
    _, value = make(world, Verb.RETRY)
    assert model_of(world).consumed[Verb.RETRY] == value
    assert "AnnotationIgnored" not in world.reasons()


@pytest.mark.parametrize(
    ("prepared", "verb", "said"),
    [
        ((), Verb.APPROVE, "asks for no approval"),
        ((), Verb.RESUME, "is not paused"),
        ((Verb.PAUSE,), Verb.PAUSE, "is paused already"),
        ((Verb.PROMOTE,), Verb.PROMOTE, "is under way already"),
    ],
)
def test_what_the_operator_would_ignore_is_refused_beforehand(
    prepared: tuple[Verb, ...], verb: Verb, said: str
) -> None:
    world = rolling_out()
    for each in prepared:
        make(world, each)
    with pytest.raises(ChurnctlError, match=said):
        wish(model_of(world), verb, None, world.now)
    # And the operator would have ignored it indeed.
    world.annotate(**{verb.value: "2"} if verb not in prepared else {verb.value: "now"})
    world.reconcile()
    assert "AnnotationIgnored" in world.reasons()


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.RETRY])
def test_without_a_candidate_there_is_nothing_to_act_on(verb: Verb) -> None:
    with pytest.raises(ChurnctlError, match="nothing to"):
        wish(model_of(in_service("knative")), verb, None, in_service("knative").now)


def test_another_version_than_the_one_that_is_meant_is_left_alone() -> None:
    world = rolling_out()
    with pytest.raises(NotFoundError, match="Version 3 is not on its way into service; version 2 is"):
        wish(model_of(world), Verb.PROMOTE, 3, world.now)


def test_a_pinned_model_says_how_to_go_on() -> None:
    world = rolling_out()
    world.change(rollback_to=1)
    with pytest.raises(ChurnctlError, match="rollback churn --clear"):
        wish(model_of(world), Verb.PROMOTE, None, world.now)


def test_the_change_is_refused_when_the_object_moved_on() -> None:
    world = rolling_out()
    model = model_of(world)
    patch = wish(model, Verb.PAUSE, None, world.now).patch(model)
    assert patch["metadata"]["resourceVersion"] == str(world.resource_version)


def test_nothing_to_retry_is_said() -> None:
    world = in_service("knative")
    world.settle(quiet=timedelta(minutes=1))
    with pytest.raises(ChurnctlError, match="nothing to retry"):
        wish(model_of(world), Verb.RETRY, None, world.now)
