"""What holds in every life of a ChurnModel, whatever people and the world do to it.

The lives are the same in every run. `HYPOTHESIS_PROFILE=explore pytest --hypothesis-seed=N` looks further;
`HYPOTHESIS_PROFILE=quick` lives a few of them, for `make test-unit`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

from churn_operator.api.v1alpha1 import ChurnModelSpec, ConditionStatus
from churn_operator.core.observation import InvalidSpec, Package, UnreadablePackage
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.unit.core.checked_world import CheckedWorld, checked, without_times
from tests.unit.core.kserve_world import ServingPlan
from tests.unit.core.world import DATASET, PACKAGE, Ending, ModelPlan, package

_QUICKLY = {"deadline": None, "phases": (Phase.explicit, Phase.generate), "suppress_health_check": list(HealthCheck)}
"""Without Phase.shrink, which takes minutes on lives this long: add it to study a failure."""
settings.register_profile("lives", derandomize=True, database=None, max_examples=60, stateful_step_count=25, **_QUICKLY)
settings.register_profile("explore", max_examples=150, print_blob=True, **_QUICKLY)
settings.register_profile("quick", settings.get_profile("lives"), max_examples=6)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "lives")
LIVES = settings.get_profile(PROFILE)

SEEDS = (1, 2, 3)
FAULTS = ("kfp_down", "s3_down", "kserve_down", "apply_fails", "apply_refused", "kfp_refuses")
seconds = st.sampled_from([1, 7, 20, 61, 95, 200, 700]).map(lambda count: timedelta(seconds=count))
moments = st.sampled_from([0, 1, 3, 10, 30, 60])
"""Numbers of passes."""
drivers = st.sampled_from(["knative", "gateway", "canary"])
serving_plans = st.builds(
    ServingPlan,
    start=st.sampled_from([*(timedelta(seconds=count) for count in (2, 20, 20, 100, 190)), None]),
    loads=st.sampled_from([True, True, True, False]),
    breaks_after=st.sampled_from([None, None, None, timedelta(seconds=30), timedelta(seconds=200)]),
)
endings = st.sampled_from([Ending.SUCCEEDS, Ending.SUCCEEDS, *Ending])
plans = st.builds(
    ModelPlan,
    area=st.sampled_from([0.84, 0.84, 0.75]),
    endings=st.lists(endings, min_size=1, max_size=3).map(tuple),
    duration=st.sampled_from([timedelta(seconds=3), timedelta(seconds=60)]),
    serving=serving_plans,
)
packages = st.sampled_from(
    [package(), package("package-two"), package("no-inputs", takes=()), UnreadablePackage("is not YAML"), None]
)
GOOD = ModelPlan()
QUICK = ServingPlan(start=timedelta(seconds=2))
NOT_THE_MODELS_FAULT = {"RunDeleted", "RunRejected", "InvalidRollback"}
"""What may keep even a good model from service: a person deleted its runs, KFP refused one, or a pin is wrong."""
step_lists = st.sampled_from(
    [
        [{"weight": 10, "bake": "90s"}, {"weight": 50, "bake": "90s"}, {"weight": 100, "bake": "0s"}],
        [{"weight": 25, "bake": "10s"}],
        [{"weight": 100, "bake": "1m"}],
    ]
)


def assert_at_rest(world: CheckedWorld) -> None:
    """Another pass does and says nothing, and the object is either in service or waits for a person."""
    assert world.exists
    again = world.reconcile()
    assert again.idle, again.decision
    assert not again.decision.events
    ready, stalled = world.condition("Ready"), world.condition("Stalled")
    assert ready.startswith("True") or stalled.startswith("True"), (ready, stalled, world.condition("Reconciling"))
    assert world.condition("Reconciling").startswith("False")
    status = world.model
    unknown = [one.type for one in status.conditions if one.status is ConditionStatus.UNKNOWN]
    assert not unknown, "everything is within reach"
    at_peace = not stalled.startswith("True") and isinstance(world.spec, ChurnModelSpec)
    if at_peace and world.spec.rollback_to is None:  # type: ignore[union-attr]
        stable = status.version(status.rollout.stable)
        assert stable is not None
        assert status.dataset is not None
        assert stable.key == status.dataset.key
        assert world.serving.traffic() == {stable.model_uri: 100}


def assert_good_models_come_into_service(world: CheckedWorld, excuses: set[str]) -> None:
    """A model that nothing is wrong with is in service in the end, whatever happened on the way, but for what else
    may keep it from there."""
    assert isinstance(world.spec, ChurnModelSpec)
    plan = world.plans[world.spec.training.seed]
    sound = set(plan.endings) == {Ending.SUCCEEDS} and plan.area > 0.8 and plan.serving in (GOOD.serving, QUICK)
    if not sound or world.spec.rollback_to is not None:
        return
    stable = world.model.version(world.model.rollout.stable)
    broken = stable is not None and world.plans[world.seed_of(stable.model_uri)].serving.breaks_after is not None
    if broken:
        excuses = excuses | {"TrafficNotShifted"}
    if world.condition("Stalled").startswith("True"):
        assert world.condition("Stalled").split()[1] in excuses, world.message("Stalled")
    else:
        assert world.traffic() == {world.spec.training.seed: 100}


class Life(RuleBasedStateMachine):
    """A ChurnModel between people, crashes and outages."""

    @initialize(
        driver=drivers,
        first=st.one_of(st.just(GOOD), plans),
        others=st.lists(st.one_of(st.just(GOOD), plans), min_size=2, max_size=2),
        lag=st.sampled_from([0, 0, 2]),
        watched=st.booleans(),
    )
    def born(self, driver: str, first: ModelPlan, others: list[ModelPlan], lag: int, watched: bool) -> None:
        watch = {"enabled": watched, "poll_interval": "1m"}
        self.world = checked(driver, deletion_policy="Delete", triggers__dataset_change=watch)
        self.world.plans = dict(zip(SEEDS, (first, *others), strict=True))
        self.world.serving.lag = timedelta(seconds=lag)
        self.world.packages = {PACKAGE: package()}
        self.readable = self.world.spec

    def _change(self, **changes: Any) -> None:
        if isinstance(self.world.spec, ChurnModelSpec):
            self.world.change(**changes)
            self.readable = self.world.spec

    def _passes(self, count: int) -> None:
        for _ in range(count):
            if self.world.exists:
                self.world.step()

    @rule(count=moments)
    def passes(self, count: int) -> None:
        self._passes(count)

    @rule(actions=st.integers(0, 3), then=moments)
    def crash(self, actions: int, then: int) -> None:
        if self.world.exists:
            self.world.reconcile(crash_after=actions)
        self._passes(then)

    @rule(by=seconds)
    def time_passes(self, by: timedelta) -> None:
        self.world.advance(by)

    @rule()
    def rests(self) -> None:
        if self.world.exists:
            self.world.settle()

    @rule(seed=st.sampled_from(SEEDS), then=moments)
    def another_model(self, seed: int, then: int) -> None:
        self._change(training__seed=seed)
        self._passes(then)

    @rule(
        seed=st.sampled_from(SEEDS), back=st.sampled_from(SEEDS), between=st.sampled_from([3, 8, 15, 40]), then=moments
    )
    def another_model_and_another(self, seed: int, back: int, between: int, then: int) -> None:
        self.another_model(seed, between)
        self.another_model(back, then)

    @rule(replicas=st.integers(0, 2), then=moments)
    def other_settings(self, replicas: int, then: int) -> None:
        self._change(serving__min_replicas=replicas)
        self._passes(then)

    @rule(steps=step_lists)
    def other_steps(self, steps: list[dict[str, Any]]) -> None:
        self._change(rollout__steps=steps)

    @rule(least=st.sampled_from([0.7, 0.8]))
    def other_thresholds(self, least: float) -> None:
        self._change(evaluation__minimums={"rocAuc": least})

    @rule(number=st.sampled_from([1, 2, 3]), seed=st.sampled_from(SEEDS), during=moments, then=moments)
    def pinned(self, number: int, seed: int, during: int, then: int) -> None:
        self._change(rollback_to=number)
        self._passes(during)
        self._change(rollback_to=None, training__seed=seed)
        self._passes(then)

    @rule(number=st.sampled_from([1, 2, 3]))
    def pin(self, number: int) -> None:
        self._change(rollback_to=number)
        self._passes(5)

    @rule(during=seconds, seed=st.sampled_from([None, *SEEDS]), then=moments)
    def suspended(self, during: timedelta, seed: int | None, then: int) -> None:
        self._change(suspend=True)
        self._passes(2)
        self.world.advance(during)
        self._change(suspend=False, **({} if seed is None else {"training__seed": seed}))
        self._passes(then)

    @rule(during=moments, then=moments)
    def unreadable(self, during: int, then: int) -> None:
        self.world.set_spec(InvalidSpec("spec.dataset is required: add it."))
        self._passes(during)
        self.world.set_spec(self.readable)
        self._passes(then)

    @rule(digest=st.sampled_from(["digest-one", "digest-two", None]), then=moments)
    def data(self, digest: str | None, then: int) -> None:
        self.world.datasets = {} if digest is None else {DATASET: digest}
        self._passes(then)
        self.world.datasets.setdefault(DATASET, "digest-one")

    @rule(own=st.booleans(), then=moments)
    def pipeline_of_ones_own(self, own: bool, then: int) -> None:
        self._change(training__pipeline={"uri": PACKAGE} if own else None)
        self._passes(then)

    @rule(found=packages, before_submission=st.booleans(), then=moments)
    def another_package(self, found: Package | None, before_submission: bool, then: int) -> None:
        if found is not None and before_submission:
            self.world.overwritten = found
        else:
            self.world.packages = {} if found is None else {PACKAGE: found}
        self._passes(then)

    @rule(fault=st.sampled_from(FAULTS), during=moments, then=moments)
    def outage(self, fault: str, during: int, then: int) -> None:
        setattr(self.world, fault, True)
        self._passes(during)
        setattr(self.world, fault, False)
        self._passes(then)

    @rule(fault=st.sampled_from(FAULTS), there=st.booleans())
    def outage_that_stays(self, fault: str, there: bool) -> None:
        setattr(self.world, fault, there)

    @rule(ahead=st.sampled_from([400 * 86400, 700, 0, -700]), during=moments, then=moments)
    def clock_is_wrong(self, ahead: int, during: int, then: int) -> None:
        self.world.skew = timedelta(seconds=ahead)
        self._passes(during)
        self.world.skew = timedelta(0)
        self._passes(then)

    @rule(then=moments)
    def lost_answer(self, then: int) -> None:
        self.world.lost_answers += 1
        self._passes(then)

    @rule(then=moments)
    def someone_deletes_the_service(self, then: int) -> None:
        self.world.serving.delete(self.world.now)
        self._passes(then)

    @rule(index=st.integers(0, 3), then=moments)
    def someone_deletes_a_run(self, index: int, then: int) -> None:
        if index < len(self.world.runs):
            self.world.remove_run(self.world.runs[-1 - index].request.run_name)
        self._passes(then)

    @rule(version=st.sampled_from(["1", "2"]))
    def upgrade(self, version: str) -> None:
        self.world.installation = replace(self.world.installation, code_version=version)

    @precondition(lambda self: self.world.exists)
    @rule(wait=seconds)
    def deleted(self, wait: timedelta) -> None:
        """Only as the last act, and not often: most lives shall be long."""
        if wait < timedelta(seconds=2):
            self.world.delete()

    excuses = NOT_THE_MODELS_FAULT

    def heal(self) -> None:
        """What else has to be well again for an object to come to rest."""

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        for fault in FAULTS:
            setattr(world, fault, False)
        world.lost_answers = 0
        world.packages, world.overwritten = {PACKAGE: package()}, None
        world.datasets.setdefault(DATASET, "digest-one")
        world.set_spec(self.readable)
        if world.deletion_requested is not None:
            world.settle()
            world.advance(timedelta(minutes=2))
            assert not world.exists
            assert world.serving.observe(world.now) is None
            return
        world.change(suspend=False)
        self.heal()
        world.settle(quiet=timedelta(minutes=8))
        assert_at_rest(world)
        assert_good_models_come_into_service(world, self.excuses)


TestLife = Life.TestCase
TestLife.settings = LIVES


def _story(world: CheckedWorld, seeds: list[int], crashes: list[int | None]) -> Any:
    """One wish after the other, each until all is at rest; `crashes` says after how many actions a pass dies,
    if it does."""
    left = list(crashes)
    for seed in seeds:
        world.change(training__seed=seed)
        for _ in range(400):
            while left and (death := left.pop(0)) is not None:
                world.reconcile(crash_after=death)
            if world.step().requeue_after is None:
                break
        world.settle()
    assert_at_rest(world)
    return without_times(world.status), without_times(sorted(world.run_names())), world.traffic()


@LIVES
@given(
    driver=drivers,
    made=st.lists(plans, min_size=3, max_size=3),
    seeds=st.lists(st.sampled_from(SEEDS), min_size=1, max_size=4),
    crashes=st.lists(st.one_of(st.none(), st.integers(0, 2)), min_size=5, max_size=120),
)
def test_a_crash_after_any_actions_of_any_pass_changes_nothing_of_the_end(
    driver: str, made: list[ModelPlan], seeds: list[int], crashes: list[int | None]
) -> None:
    calm, troubled = checked(driver), checked(driver)
    calm.plans = troubled.plans = dict(zip(SEEDS, made, strict=True))
    assert _story(troubled, seeds, crashes) == _story(calm, seeds, [])
