"""The gate in the life of a ChurnModel: the alarm for a leaked target, and the comparison with the champion."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from churn_operator.api.v1alpha1.evaluation import Champion, Evaluation, MetricName, TooGood
from churn_operator.api.v1alpha1.status import GateCheck, GateResult
from churn_operator.core import gate
from churn_operator.core.champion import judge_once_more
from churn_report import Artifact, Comparison, MetricComparison

from tests.unit.core.world import ModelPlan, World, WorldRun, spec

pytestmark = pytest.mark.unit

CHAMPION = {"metric": "rocAuc", "margin": 0.005, "confidence": 0.95}
SHORT = {"steps": [{"weight": 100, "bake": "0s"}]}


@dataclass
class ChampionWorld(World):
    """A world whose trainer compares with the champion it is given. `bounds` has the lower bound by seed, or why there
    is no comparison."""

    bounds: dict[int, float | str] = field(default_factory=dict)

    def _leave_report(self, run: WorldRun) -> None:
        super()._leave_report(run)
        sent = run.request.parameters
        output, seed = str(sent["output_uri"]), int(sent["seed"])
        model = Artifact(path="model/model.joblib", sha256=f"{seed:064x}", size_bytes=9)
        changes = {"artifacts": (model,), "comparison": self._comparison(run, str(sent["champion_sha256"]), seed)}
        self.reports[output] = self.reports[output].model_copy(update=changes)

    def _comparison(self, run: WorldRun, champion: str, seed: int) -> Comparison | None:
        lower = self.bounds.get(seed, 0.0)
        if not champion:
            return None
        if isinstance(lower, str):
            return Comparison(champion_sha256=champion, unavailable=lower)
        found = MetricComparison(
            metric="rocAuc",
            candidate=0.84,
            champion=0.83,
            difference=0.01,
            lower=lower,
            upper=0.02,
            confidence=float(run.request.parameters["champion_confidence"]),
        )
        return Comparison(champion_sha256=champion, rows=1409, resamples=2000, results=(found,))


def started(**changes: object) -> ChampionWorld:
    return ChampionWorld(spec(**{"evaluation__champion": CHAMPION, "rollout": SHORT, **changes}))


def states(model: World) -> list[str]:
    return [f"{version.number} {version.state.value}" for version in model.model.versions]


def champion_result(model: World, number: int) -> GateResult:
    version = model.model.version(number)
    assert version is not None
    return next(result for result in version.gate if result.check is GateCheck.CHAMPION)


def sent(model: World) -> list[tuple[str, ...]]:
    """What each run was told of its champion."""
    names = ("champion_version", "champion_uri", "champion_sha256", "champion_confidence")
    return [tuple(str(run.request.parameters[name]) for name in names) for run in model.runs]


def test_the_first_version_has_no_champion_and_the_second_is_compared_with_it() -> None:
    model = started().settle()
    assert (champion_result(model, 1).passed, champion_result(model, 1).reason) == (True, "NoChampion")
    first = model.model.version(1)
    assert first is not None
    model.change(training__seed=2)
    model.settle()
    assert sent(model) == [("", "", "", ""), ("1", first.model_uri, first.sha256, "0.95")]
    assert states(model) == ["1 Superseded", "2 Stable"]
    found = champion_result(model, 2)
    assert (found.reason, found.lower, found.confidence) == ("NotInferior", 0.0, 0.95)
    assert model.condition("GatePassed") == "True GatePassed"


def test_without_the_wish_for_a_champion_no_run_is_told_of_one() -> None:
    model = started(evaluation__champion=None).settle()
    model.change(training__seed=2)
    model.settle()
    assert sent(model) == [("", "", "", "")] * 2
    assert states(model) == ["1 Superseded", "2 Stable"]


@pytest.mark.parametrize(
    ("bound", "reason", "words"),
    [
        (-0.006, "MayBeInferior", "possibly worse than the version in service"),
        ("the champion needs the column Contract", "NotComparable", "the champion needs the column Contract"),
    ],
)
def test_a_version_that_falls_behind_or_cannot_be_compared_gets_no_traffic(
    bound: float | str, reason: str, words: str
) -> None:
    model = started().settle()
    model.bounds[2] = bound
    model.change(training__seed=2)
    model.settle()
    assert states(model) == ["1 Stable", "2 Rejected"]
    assert champion_result(model, 2).reason == reason
    assert words in model.message("GatePassed")
    assert words in model.message("Stalled")
    assert model.condition("Ready") == "True InService"


def test_a_wider_margin_lets_the_rejected_version_in_without_training() -> None:
    model = started().settle()
    model.bounds[2] = -0.006
    model.change(training__seed=2)
    model.settle()
    model.change(evaluation__champion={**CHAMPION, "margin": 0.01})
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]
    assert states(model) == ["1 Superseded", "2 Stable"]
    assert champion_result(model, 2).minimum == -0.01


def test_a_champion_that_is_replaced_during_the_training_still_is_the_one_to_judge_by() -> None:
    """What came into service since was no worse than it, and no other comparison can be made without a training."""
    model = started(rollout={"steps": [{"weight": 50, "bake": "30s"}, {"weight": 100, "bake": "0s"}]}).settle()
    model.change(training__seed=2)
    model.until(lambda one: one.model.rollout.candidate == 2)
    model.plans[3] = ModelPlan(duration=timedelta(minutes=3))
    model.change(training__seed=3)
    model.until(lambda one: one.model.rollout.stable == 2)
    assert model.model.training is not None
    assert model.model.training.champion is not None
    assert model.model.training.champion.version == 1
    model.settle()
    assert states(model) == ["1 Superseded", "2 Superseded", "3 Stable"]
    assert "compared with version 1, which was in service when" in str(champion_result(model, 3).message)


@pytest.mark.parametrize("bound", [0.0, -0.5])
def test_a_training_that_began_before_there_was_a_champion_is_repeated_with_it(bound: float) -> None:
    model = started(rollout={"steps": [{"weight": 100, "bake": "0s"}]})
    model.bounds[2] = bound
    model.until(lambda one: one.model.latest_version == 1)
    model.plans[2] = ModelPlan(duration=timedelta(minutes=3))
    model.change(training__seed=2)
    model.settle()
    assert "TrainingRepeated" in model.reasons()
    assert model.run_names() == ["1/1", "2/1", "2/2"]
    assert [told[0] for told in sent(model)] == ["", "", "1"]
    assert states(model)[1] == ("2 Stable" if bound == 0 else "2 Rejected")


def test_a_champion_wished_for_during_the_training_is_compared_with_in_a_second_run() -> None:
    model = started(evaluation__champion=None).settle()
    model.change(training__seed=2)
    model.until(lambda one: len(one.runs) == 2)
    model.change(evaluation__champion=CHAMPION)
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "2/2"]
    assert states(model) == ["1 Superseded", "2 Stable"]


def test_more_confidence_asked_for_during_the_training_is_had_from_a_second_run() -> None:
    model = started().settle()
    model.change(training__seed=2)
    model.until(lambda one: len(one.runs) == 2)
    model.change(evaluation__champion={**CHAMPION, "confidence": 0.99})
    model.settle()
    assert [told[3] for told in sent(model)] == ["", "0.95", "0.99"]
    assert states(model) == ["1 Superseded", "2 Stable"]


@pytest.mark.parametrize("wish", [{**CHAMPION, "confidence": 0.99}, {**CHAMPION, "margin": 0.01, "confidence": 0.99}])
def test_a_retry_of_what_was_not_compared_as_asked_for_is_another_run(wish: dict[str, object]) -> None:
    model = started().settle()
    model.bounds[2] = -0.006
    model.change(training__seed=2)
    model.settle()
    model.change(evaluation__champion=wish)
    model.settle()
    assert states(model) == ["1 Stable", "2 Rejected"]
    model.bounds[2] = 0.0
    model.annotate(retry="2")
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "2/2"]
    assert states(model) == ["1 Superseded", "3 Stable"]
    assert [told[3] for told in sent(model)] == ["", "0.95", "0.99"]


def test_a_run_of_the_same_name_that_met_another_champion_is_not_taken_for_this_one() -> None:
    """A key comes back whose version was forgotten, while KFP still has its run."""
    model = started(history={"limit": 2})
    model.settle()
    for seed in (2, 3, 4, 2):
        model.change(training__seed=seed)
        model.settle()
    assert model.run_names() == ["1/1", "2/1", "3/1", "4/1", "2/2"]
    assert "OtherChampion" in model.reasons()
    assert model.traffic() == {2: 100}


def test_a_model_that_misses_a_threshold_is_not_trained_again_to_be_compared() -> None:
    model = started(evaluation__champion=None).settle()
    model.plans[2] = ModelPlan(area=0.7)
    model.change(training__seed=2)
    model.until(lambda one: len(one.runs) == 2)
    model.change(evaluation__champion=CHAMPION)
    model.settle()
    assert model.run_names() == ["1/1", "2/1"]
    assert states(model) == ["1 Stable", "2 Rejected"]


def test_a_model_that_is_too_good_is_blocked_and_the_likely_leak_explained() -> None:
    model = ChampionWorld(spec(evaluation__too_good={"above": 0.9}, rollout=SHORT), plans={1: ModelPlan(area=0.964)})
    model.settle()
    assert states(model) == ["1 Rejected"]
    assert model.condition("Ready") == "False GateRejected"
    assert "the target leaks" in model.message("GatePassed")
    model.change(evaluation__too_good={"above": 0.97})
    model.settle()
    assert model.run_names() == ["1/1"]
    assert states(model) == ["1 Stable"]


FOUND = GateResult(
    metric="rocAuc", check=GateCheck.CHAMPION, value=0.001, lower=-0.004, upper=0.006, confidence=0.95, passed=True
)


@pytest.mark.parametrize(
    ("wish", "before", "passed", "reason"),
    [
        (Champion(), FOUND, True, "NotInferior"),
        (Champion(margin=0.001), FOUND, False, "MayBeInferior"),
        (Champion(confidence=0.9), FOUND, True, "NotInferior"),
        (Champion(confidence=0.99), FOUND, False, "ConfidenceTooLow"),
        (Champion(metric=MetricName("brier")), FOUND, False, "NotCompared"),
        (Champion(), None, False, "NotCompared"),
        (Champion(), FOUND.model_copy(update={"value": None, "lower": None}), False, "NotCompared"),
    ],
)
def test_a_comparison_of_earlier_is_judged_by_the_spec_of_today(
    wish: Champion, before: GateResult | None, passed: bool, reason: str
) -> None:
    found = judge_once_more(wish, before)
    assert (found.passed, found.reason, found.check) == (passed, reason, GateCheck.CHAMPION)
    assert found.message


BEHIND = FOUND.model_copy(update={"passed": False, "lower": -0.1})
MISSING = FOUND.model_copy(update={"passed": False, "lower": None})
FLOOR = GateResult(metric="rocAuc", passed=False)


@pytest.mark.parametrize(
    ("results", "wanted"),
    [((), False), ((FOUND,), False), ((BEHIND,), False), ((MISSING,), True), ((MISSING, FLOOR), False)],
)
def test_only_a_missing_comparison_asks_for_another_training(results: tuple[GateResult, ...], wanted: bool) -> None:
    assert gate.not_compared(results) is wanted


def test_each_thing_the_gate_looks_at_has_its_own_result_and_sentence() -> None:
    wishes = Evaluation(minimums={"rocAuc": 0.8}, maximums={"brier": 0.1}, too_good=TooGood())
    results = gate.verdict(wishes, {"rocAuc": 0.95, "brier": 0.2}, judge_once_more(Champion(), None))
    assert [(result.check.value, result.metric, result.passed) for result in results] == [
        ("Threshold", "brier", False),
        ("Threshold", "rocAuc", True),
        ("TooGood", "rocAuc", False),
        ("Champion", "rocAuc", False),
    ]
    told = gate.explanation(results)
    for words in ("brier is 0.2000, above its maximum 0.1", "too good to be true", "was not compared"):
        assert words in told
