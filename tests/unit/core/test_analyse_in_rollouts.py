"""Whole rollouts under analysis and hooks: what happens in the end, and what never happens on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from churn_operator.api.v1alpha1.rollout import HookType
from churn_operator.core.actions import EventType
from churn_operator.core.observation import HookAnswer, Known, Observation, Unknown
from churn_operator.core.questions import questions

from tests.unit.core.rollouts import failing, healthy, quiet
from tests.unit.core.world import INSTALLATION, World, spec

pytestmark = pytest.mark.unit

ANALYSIS = {"prometheus": "http://prometheus:9090", "interval": "30s", "failure_limit": 2}
AWAY = Unknown("PrometheusUnavailable", "connection refused")
STEPS = [{"weight": 10, "bake": "90s"}, {"weight": 50, "bake": "90s"}, {"weight": 100, "bake": "0s"}]


@dataclass
class LiveWorld(World):
    """A world with Prometheus and webhooks: `live` is what every window has, `confirming` the hooks that confirm.

    `looks` are the times at which Prometheus was asked, `asked` the hooks that were, pass by pass.
    """

    live: Any = field(default_factory=healthy)
    confirming: set[str] = field(default_factory=set)
    looks: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def observe(self) -> Observation:
        seen = super().observe()
        wanted = questions(seen.subject, self.installation, self.now)
        if wanted.look is not None:
            self.looks.append(self.now)
            windows = wanted.look.traffic.windows
            traffic = self.live if isinstance(self.live, Unknown) else Known(self.live.value * len(windows))
            seen = replace(seen, traffic=traffic)
        if wanted.hooks is not None:
            names = [call.hook.name for call in wanted.hooks.calls]
            self.asked.extend(names)
            answers = {name: HookAnswer(name in self.confirming, "status 403") for name in names}
            seen = replace(seen, hooks=Known(answers))
        return seen


def rolling(driver: str, **rollout: Any) -> LiveWorld:
    """Version 1 is in service, and version 2 is wished for."""
    wish = spec(rollout={"steps": STEPS, "progress_deadline": "3m", **rollout})
    model = LiveWorld(wish, installation=replace(INSTALLATION, traffic_driver=driver))
    model.confirming = {"rollout", "increase", "promotion", "late"}
    model.settle()
    assert model.model.rollout.stable == 1
    model.weights_seen.clear()
    model.asked.clear()
    model.change(training__seed=2)
    return model


def hook(name: str, moment: HookType) -> dict[str, Any]:
    return {"name": name, "type": moment, "url": f"http://{name}"}


def weights(model: LiveWorld) -> list[int]:
    """The candidate's percents in their order."""
    return [seen.get(2, 0) for seen in model.weights_seen]


@pytest.fixture(params=["knative", "gateway"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_healthy_candidate_is_promoted_after_a_look_in_each_step(driver: str) -> None:
    model = rolling(driver, analysis=ANALYSIS).settle()
    assert model.model.rollout.stable == 2
    assert weights(model) == [0, 10, 50, 100]
    assert len(model.looks) >= 6
    assert model.condition("CanaryHealthy") == "True Promoted"


def test_a_failing_candidate_is_rolled_back_at_its_first_weight_and_its_key_remembered(driver: str) -> None:
    model = rolling(driver, analysis=ANALYSIS)
    model.live = failing()
    model.settle()
    assert model.model.rollout.stable == 1
    assert weights(model) == [0, 10, 0]
    assert len(model.looks) == 2
    assert model.condition("CanaryHealthy") == "False AnalysisFailed"
    assert "errors are 10.00% of the candidate's requests" in model.message("CanaryHealthy")
    assert [entry.reason for entry in model.model.rejected_keys] == ["AnalysisFailed"]
    model.advance(timedelta(days=1))
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]


def test_a_candidate_that_turns_bad_in_its_last_step_goes_back_as_well(driver: str) -> None:
    steps = [{"weight": 10, "bake": "60s"}, {"weight": 100, "bake": "5m"}]
    model = rolling(driver, analysis=ANALYSIS, steps=steps)
    model.until(lambda one: one.model.rollout.weight == 100 and one.model.rollout.step_started is not None)
    model.live = failing()
    model.settle()
    assert model.traffic() == {1: 100}
    assert model.condition("CanaryHealthy") == "False AnalysisFailed"


def test_without_traffic_the_rollout_holds_and_says_so_until_there_is_some(driver: str) -> None:
    model = rolling(driver, analysis=ANALYSIS)
    model.live = quiet()
    model.until(lambda one: "AnalysisInconclusive" in one.reasons())
    for _ in range(200):
        model.step()
    assert model.traffic() == {1: 90, 2: 10}
    assert model.condition("CanaryHealthy") == "True AnalysisInconclusive"
    assert "3 requests of the candidate" in model.message("CanaryHealthy")
    assert model.condition("Reconciling").startswith("True")
    assert model.reasons().count("AnalysisInconclusive") == 1
    model.live = healthy()
    model.settle()
    assert model.model.rollout.stable == 2


@pytest.mark.parametrize(("wish", "stable"), [("Promote", 2), ("Rollback", 1)])
def test_without_traffic_spec_may_ask_for_an_end(driver: str, wish: str, stable: int) -> None:
    model = rolling(driver, analysis={**ANALYSIS, "on_inconclusive": wish})
    model.live = quiet()
    model.settle()
    assert model.model.rollout.stable == stable
    assert (model.condition("CanaryHealthy") == "False AnalysisInconclusive") is (stable == 1)


def test_prometheus_away_holds_the_rollout_and_says_so_until_it_is_back(driver: str) -> None:
    model = rolling(driver, analysis={**ANALYSIS, "on_inconclusive": "Rollback"})
    model.live = AWAY
    model.until(lambda one: "AnalysisUnavailable" in one.reasons())
    for _ in range(200):
        model.step()
    assert model.traffic() == {1: 90, 2: 10}
    assert model.condition("CanaryHealthy") == "Unknown AnalysisUnavailable"
    warnings = [event for event in model.events if event.reason == "AnalysisUnavailable"]
    assert [event.type for event in warnings] == [EventType.WARNING]
    model.live = healthy()
    model.settle()
    assert model.model.rollout.stable == 2


def test_looks_keep_their_interval_however_often_passes_come(driver: str) -> None:
    model = rolling(driver, analysis=ANALYSIS)
    while model.model.rollout.stable == 1:
        model.step()
        for _ in range(3):
            model.reconcile()
    pauses = [after - before for before, after in zip(model.looks, model.looks[1:], strict=False)]
    assert min(pauses) >= timedelta(seconds=1)
    steps = 3
    assert sum(pause < timedelta(seconds=29) for pause in pauses) <= steps


def test_each_look_is_one_write_and_a_pass_between_looks_is_none(driver: str) -> None:
    model = rolling(driver, analysis={**ANALYSIS, "on_inconclusive": "Hold"})
    model.live = quiet()
    model.until(lambda one: "AnalysisInconclusive" in one.reasons())
    looks, before = len(model.looks), len(model.passes)
    for _ in range(60):
        model.step()
    writes = sum(one.wrote for one in model.passes[before:])
    assert writes == len(model.looks) - looks
    assert writes > 0


def test_a_candidate_beside_the_traffic_is_not_held_up_by_the_looks_it_cannot_have(driver: str) -> None:
    own = [{"name": "cost", "query": "sum(cost)", "maximum": 3}]
    model = rolling(driver, strategy="BlueGreen", steps=[], bake="60s", analysis={**ANALYSIS, "checks": own})
    model.until(lambda one: one.model.rollout.weight == 100, most=200)
    assert model.looks == []


@pytest.mark.parametrize(
    ("moment", "held"),
    [
        (HookType.CONFIRM_ROLLOUT, {1: 100}),
        (HookType.CONFIRM_TRAFFIC_INCREASE, {1: 90, 2: 10}),
        (HookType.CONFIRM_PROMOTION, {2: 100}),
    ],
)
def test_a_hook_that_does_not_confirm_holds_the_rollout_at_its_moment(
    driver: str, moment: HookType, held: dict[int, int]
) -> None:
    model = rolling(driver, hooks=[hook("late", moment)])
    model.confirming.remove("late")
    model.until(lambda one: "AwaitingHook" in one.reasons())
    for _ in range(100):
        model.step()
    assert model.traffic() == held
    assert "hook late: status 403" in model.message("CanaryHealthy")
    assert model.reasons().count("AwaitingHook") == 1
    model.confirming.add("late")
    model.settle()
    assert model.model.rollout.stable == 2


def test_hooks_are_asked_at_their_moments_in_order_and_before_each_larger_weight(driver: str) -> None:
    hooks = [
        hook("rollout", HookType.CONFIRM_ROLLOUT),
        hook("increase", HookType.CONFIRM_TRAFFIC_INCREASE),
        hook("promotion", HookType.CONFIRM_PROMOTION),
    ]
    model = rolling(driver, hooks=hooks).settle()
    assert model.asked == ["rollout", "increase", "increase", "promotion"]
    assert model.model.rollout.stable == 2


def test_a_rollback_hook_turns_the_rollout_back_at_any_moment(driver: str) -> None:
    model = rolling(driver, hooks=[hook("brake", HookType.ROLLBACK)])
    model.until(lambda one: one.model.rollout.weight == 50)
    assert "brake" in model.asked
    model.confirming.add("brake")
    model.settle()
    assert model.traffic() == {1: 100}
    assert model.condition("CanaryHealthy") == "False RolledBackByHook"
    assert "hook brake asks for it" in model.message("CanaryHealthy")
