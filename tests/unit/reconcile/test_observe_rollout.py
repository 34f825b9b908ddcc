"""What a pass asks about a rollout: live traffic when a look is due, hooks when they are awaited."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from churn_operator.api.reading import read_spec
from churn_operator.api.v1alpha1 import ChurnModelStatus
from churn_operator.api.v1alpha1.status import RolloutStatus, StepStatus
from churn_operator.core.analysis import Measurement, TrafficSample, Unavailable, VersionSample
from churn_operator.core.live_traffic import TrafficQuestion
from churn_operator.core.observation import NOT_ASKED, HookAnswer, Known, Observation, Subject, Unknown
from churn_operator.errors import Rejected, Transient
from churn_operator.reconcile.metrics import LoopMetrics
from prometheus_client import CollectorRegistry

from tests.unit.reconcile.ports import KEY, NOW, World, churn_model, observer_of

pytestmark = pytest.mark.unit

ANALYSIS = {
    "prometheus": "http://prometheus:9090",
    "interval": "1m",
    "checks": [
        {"name": "errorRatio", "maximum": 0.01},
        {"name": "queue", "query": "sum(queue)", "maximum": 5},
        {"name": "cost", "query": "sum(cost)", "maximum": 5},
    ],
}
HOOKS = [
    {"name": "gate", "type": "confirm-promotion", "url": "http://gate"},
    {"name": "brake", "type": "rollback", "url": "http://brake"},
    {"name": "log", "type": "event", "url": "http://log"},
]
SAMPLE = TrafficSample(VersionSample(100, 1), VersionSample(10, 0))


def subject(rollout: dict[str, Any], **spec: Any) -> Subject:
    """Version 2 has had 10 % for two minutes beside version 1."""
    began = NOW - timedelta(minutes=2)
    status = RolloutStatus(
        stable=1,
        candidate=2,
        step=0,
        weight=10,
        step_started=began,
        steps=(StepStatus(step=0, weight=10, started=began),),
    )
    return Subject(
        key=KEY,
        uid="u1",
        generation=1,
        resource_version="1",
        finalized=True,
        deletion_requested=None,
        spec=read_spec(churn_model(rollout=rollout, **spec)["spec"]),
        status=ChurnModelStatus(rollout=status),
    )


async def observed(world: World, seen: Subject, deadline: timedelta = timedelta(seconds=5)) -> Observation:
    return await observer_of(world, LoopMetrics(CollectorRegistry()), deadline).observe(seen)


async def test_a_look_that_is_due_asks_for_traffic_and_for_each_query_of_the_user() -> None:
    world = World(churn_model(), live=(SAMPLE,), measured={"queue": 3.0})
    seen = await observed(world, subject({"analysis": ANALYSIS}))
    assert seen.traffic == Known((SAMPLE,))
    assert seen.measurements == {"queue": Measurement("queue", 3.0), "cost": Measurement("cost", None)}
    assert seen.hooks is NOT_ASKED


async def test_prometheus_away_is_unknown_and_each_query_says_for_itself_that_it_gave_nothing() -> None:
    world = World(churn_model(), measured={"cost": 1.0})
    world.fails["traffic"] = Transient("Prometheus", "connection refused")
    world.fails["measure queue"] = Rejected("Prometheus", "check queue: parse error")
    seen = await observed(world, subject({"analysis": ANALYSIS}))
    assert seen.traffic == Unknown("PrometheusUnavailable", "connection refused")
    assert seen.measurements == {
        "queue": Unavailable("check queue: parse error"),
        "cost": Measurement("cost", 1.0),
    }


async def test_a_query_that_takes_longer_than_the_deadline_holds_up_no_other_answer() -> None:
    class Slow(World):
        async def measure(self, question: TrafficQuestion, name: str, template: str) -> Measurement:
            await asyncio.Event().wait()
            raise AssertionError("it waits for ever")

    seen = await observed(Slow(churn_model(), live=(SAMPLE,)), subject({"analysis": ANALYSIS}), timedelta(seconds=0.02))
    assert seen.traffic == Known((SAMPLE,))
    assert seen.measurements["queue"] == Unavailable("no answer within 0.02s")


async def test_before_a_look_is_due_prometheus_is_left_alone() -> None:
    world = World(churn_model())
    seen = await observed(world, subject({"analysis": {**ANALYSIS, "interval": "5m"}}))
    assert seen.traffic is NOT_ASKED
    assert not [call for call in world.calls if call.startswith(("traffic", "measure"))]


async def test_hooks_answer_each_for_itself_and_one_that_does_not_confirms_nothing() -> None:
    world = World(churn_model(), confirming={"gate"})
    world.fails["ask brake"] = Transient("Webhook", "hook brake: connection refused")
    waiting = subject({"hooks": HOOKS})
    rollout = waiting.status.rollout.model_copy(update={"awaiting": "confirm-promotion"})
    waiting = Subject(**{**vars(waiting), "status": waiting.status.model_copy(update={"rollout": rollout})})
    seen = await observed(world, waiting)
    assert seen.hooks == Known({"gate": HookAnswer(True), "brake": HookAnswer(False, "hook brake: connection refused")})
    assert "ask log" not in world.calls


async def test_a_hook_that_is_not_awaited_is_not_asked() -> None:
    world = World(churn_model())
    await observed(world, subject({"hooks": HOOKS}))
    assert [call for call in world.calls if call.startswith("ask")] == ["ask brake"]


async def test_suspended_asks_nobody() -> None:
    world = World(churn_model())
    seen = await observed(world, subject({"hooks": HOOKS, "analysis": ANALYSIS}, suspend=True))
    assert (seen.traffic, seen.hooks) == (NOT_ASKED, NOT_ASKED)
