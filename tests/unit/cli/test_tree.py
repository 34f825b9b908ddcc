"""The tree of `status`, as text."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
from churnctl.tree import tree
from churnctl.view import read
from rich.console import Console

from tests.unit.api.statuses import NOON
from tests.unit.cli.objects import full, model_of
from tests.unit.cli.test_verbs import APPROVALS, rolling_out
from tests.unit.core.world import World

pytestmark = pytest.mark.unit


def drawn(item: dict[str, object], hours: float = 5) -> str:
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(tree(read(item), NOON + timedelta(hours=hours)))
    return out.getvalue()


def shown(world: World, at: datetime | None = None) -> str:
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(tree(model_of(world), at or world.now))
    return out.getvalue()


def test_every_field_of_a_status_can_be_drawn() -> None:
    text = drawn(full())
    assert text.startswith("churn  RollingOut  team")
    assert "v2 Candidate" in text
    assert "50 %" in text
    assert "http://churn.team.example.com" in text


def test_a_new_object_is_drawn() -> None:
    assert drawn({"metadata": {"name": "churn", "namespace": "team"}, "spec": {}}).strip() == "churn  new  team"


def test_a_canary_shows_its_steps_its_share_and_what_it_waits_for() -> None:
    world = rolling_out(rollout__steps=APPROVALS)
    world.reconcile()
    started = model_of(world).rollout.step_started
    assert started is not None
    text = shown(world, started + timedelta(seconds=30))
    assert "v2 Candidate  ━━──────────────────  10 %" in text
    assert "v1 Stable     ━━━━━━━━━━━━━━━━━━──  90 %" in text
    assert "● step 1/3  10 %  bake 90s, then approval  for 30s, 60s to go" in text
    assert "○ step 2/3  50 %  bake 90s" in text
    world.settle()
    assert "waits for approval: kubectl churn approve churn" in shown(world)


def test_a_version_that_the_gate_refused_says_why() -> None:
    from tests.unit.core.world import ModelPlan, in_service

    world = in_service("knative", evaluation__minimums={"rocAuc": 0.8})
    world.plans[2] = ModelPlan(area=0.75)
    world.change(training__seed=2)
    world.settle()
    assert "✗ gate: rocAuc 0.7500, asked for ≥ 0.8" in shown(world)


def test_stalled_is_bad_when_it_is_true() -> None:
    item = full()
    item["status"]["conditions"] = [
        {"type": "Stalled", "status": "True", "reason": "GateRejected", "message": "m"},
        {"type": "Ready", "status": "Unknown", "reason": "ServingUnknown", "message": "m"},
    ]
    text = drawn(item)
    assert "✗ Stalled" in text
    assert "· Ready" in text
