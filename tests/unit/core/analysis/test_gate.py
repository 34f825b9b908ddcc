"""Champion and too-good verdicts of the gate."""

from __future__ import annotations

import math

import pytest
from churn_operator.api.v1alpha1.evaluation import Champion, MetricName, TooGood
from churn_operator.api.v1alpha1.status import GateCheck
from churn_operator.core.champion import judge_champion
from churn_operator.core.too_good import judge_too_good
from churn_report import Comparison, MetricComparison
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

pytestmark = pytest.mark.unit

SHA, OTHER = "a" * 64, "b" * 64
SPEC = Champion(metric=MetricName("rocAuc"), margin=0.005, confidence=0.95)


def compared(lower: float = -0.004, confidence: float = 0.95) -> Comparison:
    found = MetricComparison(
        metric="rocAuc",
        candidate=0.846,
        champion=0.845,
        difference=0.001,
        lower=lower,
        upper=0.006,
        confidence=confidence,
    )
    return Comparison(champion_sha256=SHA, rows=1409, results=(found,))


@pytest.mark.parametrize(("lower", "passed"), [(0.002, True), (-0.005, True), (-0.0051, False), (-0.5, False)])
def test_non_inferior_means_that_the_lower_bound_is_within_the_margin(lower: float, passed: bool) -> None:
    found = judge_champion(SPEC, compared(lower), SHA)
    assert found.passed is passed
    assert (found.check, found.value, found.minimum) == (GateCheck.CHAMPION, 0.001, -0.005)
    assert (found.lower, found.upper) == (lower, 0.006)
    assert found.message is not None
    assert "0.8460 against 0.8450 on the same 1409 rows" in found.message


@given(lower=st.floats(-1, 0.006), margins=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_wider_margin_never_turns_a_candidate_down(lower: float, margins: tuple[float, float]) -> None:
    narrow, wide = (judge_champion(Champion(margin=each), compared(lower), SHA).passed for each in sorted(margins))
    assert wide or not narrow


def test_without_a_champion_there_is_nothing_to_fall_behind() -> None:
    found = judge_champion(SPEC, None, None)
    assert (found.passed, found.reason, found.value) == (True, "NoChampion", None)


@pytest.mark.parametrize(
    ("comparison", "reason", "words"),
    [
        (None, "NotCompared", "no other version"),
        (Comparison(champion_sha256=SHA, unavailable="it lacks the column Contract"), "NotComparable", "Contract"),
        (compared().model_copy(update={"champion_sha256": OTHER}), "OtherChampion", "is the champion"),
        (compared(confidence=0.9), "ConfidenceTooLow", "0.95 is asked for"),
    ],
)
def test_what_cannot_be_compared_does_not_pass_and_says_why(
    comparison: Comparison | None, reason: str, words: str
) -> None:
    found = judge_champion(SPEC, comparison, SHA)
    assert (found.passed, found.reason) == (False, reason)
    assert found.message is not None
    assert words in found.message


def test_a_metric_that_the_report_does_not_compare_is_said_to_be_missing() -> None:
    found = judge_champion(Champion(metric=MetricName("empc")), compared(), SHA)
    assert (found.passed, found.reason) == (False, "NotCompared")
    assert found.message is not None
    assert "empc" in found.message


def test_a_stricter_bound_than_asked_for_will_do() -> None:
    assert judge_champion(SPEC, compared(confidence=0.99), SHA).passed


def test_a_difference_points_to_the_better_for_losses_too() -> None:
    values = {"metric": "brier", "candidate": 0.13, "champion": 0.14, "lower": 0.0, "upper": 0.02, "confidence": 0.95}
    assert MetricComparison.model_validate({**values, "difference": 0.01}).difference == 0.01
    with pytest.raises(ValidationError, match="the difference of brier"):
        MetricComparison.model_validate({**values, "difference": -0.01})
    with pytest.raises(ValidationError, match="above the upper"):
        MetricComparison.model_validate({**values, "difference": 0.01, "lower": 0.03})


def test_a_comparison_has_results_or_a_reason_never_both_or_neither() -> None:
    with pytest.raises(ValidationError, match="results, or why"):
        Comparison(champion_sha256=SHA)
    with pytest.raises(ValidationError, match="results, or why"):
        Comparison(champion_sha256=SHA, rows=9, results=compared().results, unavailable="for no reason")
    with pytest.raises(ValidationError, match="at least one row"):
        Comparison(champion_sha256=SHA, results=compared().results)


def test_too_good_blocks_and_explains() -> None:
    found = judge_too_good(TooGood(), {"rocAuc": 0.964})
    assert (found.passed, found.reason, found.check, found.maximum) == (
        False,
        "LeakageSuspected",
        GateCheck.TOO_GOOD,
        0.9,
    )
    assert found.message is not None
    assert found.message.startswith("rocAuc is 0.9640, above 0.9: too good to be true")
    assert "target leaks" in found.message


@pytest.mark.parametrize("value", [0.5, 0.845, 0.9])
def test_an_honest_value_passes(value: float) -> None:
    assert judge_too_good(TooGood(), {"rocAuc": value}).passed


@pytest.mark.parametrize("metrics", [{}, {"rocAuc": math.nan}, {"rocAuc": math.inf}])
def test_a_metric_that_was_not_measured_is_not_trusted(metrics: dict[str, float]) -> None:
    found = judge_too_good(TooGood(), metrics)
    assert (found.passed, found.reason, found.value) == (False, "MetricMissing", None)
