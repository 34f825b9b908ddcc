"""The lives of test_properties with everything that rollouts have: verbs, strategies, analysis and hooks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from churn_operator.api.v1alpha1.rollout import HookType
from churn_operator.core.verbs import Verb
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.unit.core.test_properties import GOOD, LIVES, NOT_THE_MODELS_FAULT, PROFILE, Life, drivers, moments, plans
from tests.unit.core.world import NO, YES, Live, ModelPlan

LIVE = st.sampled_from([Live.WELL, Live.WELL, *Live])
COMPARED = [{"name": "disagreement"}, {"name": "errorRatio"}]
ANALYSES = st.builds(
    lambda interval, limit, inconclusive, checks, least: {
        "prometheus": "http://prometheus:9090",
        "interval": interval,
        "failure_limit": limit,
        "on_inconclusive": inconclusive,
        "checks": checks,
        "min_requests": least,
    },
    st.sampled_from(["10s", "1m"]),
    st.sampled_from([1, 3]),
    st.sampled_from(["Hold", "Promote", "Rollback"]),
    st.sampled_from([[], COMPARED, COMPARED[:1]]),
    st.sampled_from([100, 100, 1500]),
)
APPROVALS = [{"weight": 10, "bake": "1m", "approval": True}, {"weight": 100, "bake": "10s", "approval": True}]
SHADOWS = [{"weight": 30, "bake": "1m", "shadow": True, "approval": True}, {"weight": 50, "bake": "10s"}]
STRATEGIES = st.sampled_from(
    [
        {"rollout__strategy": "BlueGreen", "rollout__steps": [], "rollout__bake": "1m"},
        {"rollout__strategy": "Immediate", "rollout__steps": [], "rollout__bake": "3m"},
        {"rollout__strategy": "Immediate", "rollout__steps": [], "rollout__bake": "0s"},
        {"rollout__strategy": "Canary", "rollout__steps": APPROVALS},
        {"rollout__strategy": "Canary", "rollout__steps": SHADOWS},
        {"rollout__strategy": "Canary", "rollout__steps": []},
    ]
)
EXAMPLES = {"explore": 400, "lives": 40, "quick": 4}[PROFILE]
HOOKS = [{"name": kind.value, "type": kind.value, "url": f"http://{kind.value}"} for kind in HookType]


class RolloutLife(Life):
    """A ChurnModel whose rollouts people, live traffic and webhooks hold, hurry and turn."""

    excuses = NOT_THE_MODELS_FAULT | {"Aborted", "RolledBackByHook", "AnalysisInconclusive"}
    annotated = 0
    data = unreadable = upgrade = other_steps = other_thresholds = someone_deletes_a_run = deleted = None
    outage_that_stays = pin = rests = another_model_and_another = None
    """Left to the lives of test_properties: here every life is in the middle of a rollout."""

    @initialize(
        driver=drivers,
        others=st.lists(st.one_of(st.just(GOOD), st.just(GOOD), plans), min_size=2, max_size=2),
        live=st.lists(LIVE, min_size=3, max_size=3),
        lag=st.sampled_from([0, 0, 2]),
        strategy=STRATEGIES,
        analysis=st.one_of(st.none(), ANALYSES),
    )
    def born(  # type: ignore[override]
        self,
        driver: str,
        others: list[ModelPlan],
        live: list[Live],
        lag: int,
        strategy: dict[str, Any],
        analysis: dict[str, Any] | None,
    ) -> None:
        made = [replace(plan, live=seen) for plan, seen in zip((GOOD, *others), live, strict=True)]
        Life.born(self, driver, made[0], made[1:], lag, False)
        self.world.settle()
        self._rollout(strategy, analysis)
        self.world.hooks = {HookType.ROLLBACK.value: NO}
        self._excuse_errors()
        self._in_a_step(2, 0)

    def _rollout(self, strategy: dict[str, Any], analysis: dict[str, Any] | None) -> None:
        mirrors = self.world.installation.traffic_driver == "gateway" and strategy.get("rollout__steps") == SHADOWS
        if analysis is not None and not mirrors:
            # The API server refuses the check where nothing is mirrored.
            analysis = {**analysis, "checks": []}
        self._change(**strategy, rollout__analysis=analysis)

    def _excuse_errors(self) -> None:
        """A model that was bad in live traffic stays refused when it is no more."""
        if any(plan.live in (Live.ERRORS, Live.DISAGREES) for plan in self.world.plans.values()):
            self.excuses = self.excuses | {"AnalysisFailed"}

    def _annotate(self, verb: Verb, value: str) -> None:
        self.world.annotate(**{verb.value: value})

    @rule(verb=st.sampled_from(Verb), then=moments)
    def verb_at_a_time(self, verb: Verb, then: int) -> None:
        self.annotated += 1
        self._annotate(verb, f"time {self.annotated}")
        self._passes(then)

    @rule(verb=st.sampled_from(Verb), ahead=st.integers(0, 1), then=moments)
    def verb_for_a_version(self, verb: Verb, ahead: int, then: int) -> None:
        number = str(self.world.model.latest_version + ahead)
        if (verb.value, number) not in self.world.heeded:
            self._annotate(verb, number)
        self._passes(then)

    def _in_a_step(self, seed: int, step: int) -> None:
        """Have this model on its way, at this step or a later one, if it gets there."""
        self._change(training__seed=seed)
        for _ in range(80):
            rollout = self.world.model.rollout
            if rollout.step_started is not None and (rollout.step or 0) >= step:
                return
            self._passes(1)

    @rule(
        seed=st.sampled_from((1, 2, 3)),
        step=st.integers(0, 2),
        verbs=st.lists(st.tuples(st.sampled_from(Verb), st.integers(0, 12)), min_size=1, max_size=4),
    )
    def verbs_within_a_step(self, seed: int, step: int, verbs: list[tuple[Verb, int]]) -> None:
        self._in_a_step(seed, step)
        for verb, then in verbs:
            self.verb_at_a_time(verb, then)

    @rule(
        seed=st.sampled_from((1, 2, 3)),
        step=st.integers(0, 2),
        verb=st.sampled_from((Verb.PAUSE, Verb.PROMOTE, Verb.APPROVE)),
        strategy=STRATEGIES,
        analysis=st.one_of(st.none(), ANALYSES),
        next_seed=st.sampled_from((1, 2, 3)),
        then=st.integers(0, 30),
    )
    def edits_within_a_step(
        self,
        seed: int,
        step: int,
        verb: Verb,
        strategy: dict[str, Any],
        analysis: dict[str, Any] | None,
        next_seed: int,
        then: int,
    ) -> None:
        self._in_a_step(seed, step)
        self.verb_at_a_time(verb, 2)
        self._rollout(strategy, analysis)
        self._passes(then)
        self.another_model(next_seed, then)

    @rule(strategy=STRATEGIES, analysis=st.one_of(st.none(), ANALYSES), then=moments)
    def other_rollout(self, strategy: dict[str, Any], analysis: dict[str, Any] | None, then: int) -> None:
        self._rollout(strategy, analysis)
        self._passes(then)

    @rule(there=st.booleans(), then=moments)
    def hooks(self, there: bool, then: int) -> None:
        self._change(rollout__hooks=HOOKS if there else [])
        self._passes(then)

    @rule(kind=st.sampled_from(HookType), confirms=st.booleans(), then=moments)
    def a_hook_changes_its_mind(self, kind: HookType, confirms: bool, then: int) -> None:
        self.world.hooks[kind.value] = YES if confirms else NO
        self._passes(then)

    @rule(then=moments)
    def prometheus_goes_away(self, then: int) -> None:
        self.world.prometheus_down = True
        self._passes(then)
        self.world.prometheus_down = False

    @rule(seed=st.sampled_from((1, 2, 3)), seen=LIVE, then=moments)
    def live_traffic_changes(self, seed: int, seen: Live, then: int) -> None:
        self.world.plans[seed] = replace(self.world.plans[seed], live=seen)
        self._excuse_errors()
        self._passes(then)

    def heal(self) -> None:
        """Everybody confirms, traffic flows, and nobody keeps a rollout waiting."""
        world = self.world
        world.hooks = {HookType.ROLLBACK.value: NO}
        world.plans = {
            seed: replace(plan, live=Live.WELL) if plan.live in (Live.QUIET, Live.UNCOMPARED) else plan
            for seed, plan in world.plans.items()
        }
        for _ in range(30):
            for verb in (Verb.RESUME, Verb.APPROVE):
                self.verb_at_a_time(verb, 10)
            if world.model.rollout.candidate is None and world.condition("Reconciling").startswith("False"):
                break


TestRolloutLife = RolloutLife.TestCase
TestRolloutLife.settings = settings(LIVES, max_examples=EXAMPLES)
