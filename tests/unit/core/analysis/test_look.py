"""All checks together, what is remembered of them, and what they lead to."""

from __future__ import annotations

import itertools
import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from churn_operator.api.v1alpha1.rollout import Analysis, Check, OnInconclusive
from churn_operator.api.v1alpha1.status import Verdict
from churn_operator.core.analysis import (
    DEFAULT_CHECKS,
    BuiltIn,
    CheckResult,
    Conclusion,
    Look,
    Measurement,
    Reason,
    TrafficSample,
    Unavailable,
    conclusion,
    look_at,
    remembered,
)
from churn_operator.core.analysis.verdicts import total

from tests.unit.core.analysis.traffic import drawn, errors

pytestmark = pytest.mark.unit

PROMETHEUS = "http://prometheus:9090"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN = Check(name="queueLength", query="max(queue_length)", maximum=10)
AWAY = Unavailable("Prometheus does not answer")
GOOD, BAD = (errors((10, 1000), (90, 9000)),), (errors((100, 1000), (90, 9000)),)


def analysis(*checks: Check, **changes: object) -> Analysis:
    return Analysis.model_validate({"prometheus": PROMETHEUS, "checks": checks, **changes})


def only(look: Look) -> CheckResult:
    (result,) = look.results
    return result


def result(verdict: Verdict) -> CheckResult:
    return CheckResult("some", verdict, Reason.UNAVAILABLE, None, None, 0, f"it {verdict}")


def test_failed_outweighs_error_that_inconclusive_and_that_passed() -> None:
    order = [Verdict.FAILED, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASSED]
    for verdicts in itertools.chain.from_iterable(itertools.product(order, repeat=count) for count in (1, 2, 3)):
        assert total(map(result, verdicts)) is min(verdicts, key=order.index)


def test_without_checks_of_its_own_a_spec_gets_the_default_ones() -> None:
    look = look_at(analysis(), GOOD, {})
    assert [each.name for each in look.results] == [check.name for check in DEFAULT_CHECKS]


@pytest.mark.parametrize("name", list(BuiltIn))
def test_every_built_in_check_answers_by_its_name_and_with_the_default_threshold(name: BuiltIn) -> None:
    found = only(look_at(analysis(Check(name=name, minimum=0)), GOOD, {}))
    assert found.name == name
    assert found.threshold is not None
    assert found.reason is not Reason.UNKNOWN_CHECK


def test_failed_inconclusive_and_error_are_three_things() -> None:
    check = Check(name=BuiltIn.ERROR_RATIO, maximum=0.005)
    few = (errors((0, 5), (0, 45)),)
    verdicts = [only(look_at(analysis(check), traffic, {})).verdict for traffic in (GOOD, BAD, few, AWAY)]
    assert verdicts == [Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.ERROR]


def test_error_says_why_and_inconclusive_what_is_missing() -> None:
    assert only(look_at(analysis(DEFAULT_CHECKS[0]), AWAY, {})).message == AWAY.message
    assert "5 requests of the candidate" in look_at(analysis(DEFAULT_CHECKS[0]), (errors((0, 5), (0, 45)),), {}).message


def test_an_unknown_name_without_a_query_is_an_error_that_lists_the_known_ones() -> None:
    found = only(look_at(analysis(Check(name="errorRate", maximum=0.01)), GOOD, {}))
    assert (found.verdict, found.reason) == (Verdict.ERROR, Reason.UNKNOWN_CHECK)
    assert "errorRatio" in found.message


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (9.0, Verdict.PASSED),
        (10.0, Verdict.PASSED),
        (10.5, Verdict.FAILED),
        (None, Verdict.INCONCLUSIVE),
        (math.nan, Verdict.INCONCLUSIVE),
    ],
)
def test_a_query_of_ones_own_goes_by_its_bounds_and_no_value_is_not_a_bad_one(
    value: float | None, verdict: Verdict
) -> None:
    found = only(look_at(analysis(OWN), GOOD, {OWN.name: Measurement(OWN.name, value)}))
    assert found.verdict is verdict
    assert found.value == (value if value is not None and math.isfinite(value) else None)


def test_a_query_below_its_minimum_fails_against_that() -> None:
    check = Check(name="throughput", query="sum(rate(x[1m]))", minimum=3, maximum=9)
    found = only(look_at(analysis(check), GOOD, {check.name: Measurement(check.name, 2)}))
    assert (found.verdict, found.threshold) == (Verdict.FAILED, 3)
    assert found.message == "the query gave 2, below the minimum of 3"


def test_a_query_that_could_not_be_asked_is_an_error_and_one_on_too_few_requests_inconclusive() -> None:
    assert only(look_at(analysis(OWN), GOOD, {OWN.name: AWAY})).verdict is Verdict.ERROR
    bad = {OWN.name: Measurement(OWN.name, 99)}
    assert only(look_at(analysis(OWN), AWAY, bad)).verdict is Verdict.ERROR
    assert only(look_at(analysis(OWN), (errors((0, 99), (0, 900)),), bad)).reason is Reason.TOO_FEW_REQUESTS


def test_each_built_in_check_gets_its_part_of_the_false_alarms() -> None:
    """Evidence that is enough for one check alone is not enough for one of four."""
    check = Check(name=BuiltIn.ERROR_RATIO, maximum=0.001)
    barely = (errors((34, 1000), (158, 9000)),)
    alone = only(look_at(analysis(check), barely, {}))
    assert alone.p_value is not None
    assert 0.05 / 4 < alone.p_value < 0.05
    four = (check, *(Check(name=name, maximum=1) for name in BuiltIn if name is not BuiltIn.ERROR_RATIO))
    assert alone.verdict is Verdict.FAILED
    assert look_at(analysis(*four), barely, {}).results[0].verdict is Verdict.INCONCLUSIVE


def test_looks_add_up_and_a_spell_begins_when_it_began() -> None:
    status = None
    for minute, verdict in enumerate(
        [Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.FAILED, Verdict.ERROR, Verdict.ERROR]
    ):
        status = remembered(status, Look(verdict, (result(verdict),)), NOON + timedelta(minutes=minute))
        if minute == 1:
            assert status.inconclusive_since == NOON
    assert status is not None
    assert (status.looks, status.failed, status.verdict) == (5, 1, Verdict.ERROR)
    assert (status.inconclusive_since, status.error_since) == (None, NOON + timedelta(minutes=3))
    assert status.last_run == NOON + timedelta(minutes=4)
    assert status.checks[0].message == "it Error"


def after(verdict: Verdict, failed: int = 0, baked: bool = True, **changes: object) -> Conclusion:
    status = remembered(None, Look(verdict, ()), NOON).model_copy(update={"failed": failed})
    return conclusion(analysis(**changes), status, baked)


def test_a_step_goes_on_only_when_it_has_baked_and_the_last_look_passed() -> None:
    assert after(Verdict.PASSED) is Conclusion.PROCEED
    assert after(Verdict.PASSED, baked=False) is Conclusion.WAIT
    assert after(Verdict.FAILED, failed=1) is Conclusion.WAIT
    assert after(Verdict.ERROR) is Conclusion.WAIT
    assert conclusion(analysis(), None, baked=True) is Conclusion.WAIT


@pytest.mark.parametrize("baked", [True, False])
def test_as_many_failures_as_the_limit_roll_back_at_any_time(baked: bool) -> None:
    assert after(Verdict.FAILED, failed=3, baked=baked) is Conclusion.ROLL_BACK
    assert after(Verdict.FAILED, failed=2, baked=baked) is Conclusion.WAIT
    assert after(Verdict.FAILED, failed=1, baked=baked, failureLimit=1) is Conclusion.ROLL_BACK


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (OnInconclusive.HOLD, Conclusion.WAIT),
        (OnInconclusive.PROMOTE, Conclusion.PROCEED),
        (OnInconclusive.ROLLBACK, Conclusion.ROLL_BACK),
    ],
)
def test_an_inconclusive_end_of_a_step_goes_as_spec_wishes(wish: OnInconclusive, expected: Conclusion) -> None:
    assert after(Verdict.INCONCLUSIVE, onInconclusive=wish) is expected
    assert after(Verdict.INCONCLUSIVE, baked=False, onInconclusive=wish) is Conclusion.WAIT
    assert after(Verdict.ERROR, onInconclusive=wish) is Conclusion.WAIT


@pytest.mark.slow
def test_an_equal_candidate_is_next_to_never_failed_though_looked_at_again_and_again() -> None:
    eager = analysis(minRequests=10, failureLimit=1)
    draw, rollouts, failed = random.Random(11), 40, 0
    for _ in range(rollouts):
        window: TrafficSample | None = None
        for look in range(1, 11):
            window = TrafficSample(
                stable=drawn(draw, 40 * look, error_ratio=0.05), candidate=drawn(draw, 20 * look, error_ratio=0.05)
            )
            if look_at(eager, (window,), {}).verdict is Verdict.FAILED:
                failed += 1
                break
    assert failed <= 5
