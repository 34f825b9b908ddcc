"""The built-in checks: when each passes, fails and cannot tell."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from churn_operator.api.v1alpha1.status import Verdict
from churn_operator.core.analysis import Comparisons, Histogram, Reason, TrafficSample, VersionSample
from churn_operator.core.analysis.disagreement import disagreement
from churn_operator.core.analysis.error_ratio import error_ratio
from churn_operator.core.analysis.latency_quantile import latency_quantile
from churn_operator.core.analysis.score_shift import score_shift
from churn_operator.core.analysis.setting import Setting
from churn_operator.core.analysis.verdicts import total
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.core.analysis.traffic import LATENCY_BOUNDS, counted, drawn, errors

pytestmark = pytest.mark.unit

ERRORS = Setting("errorRatio", 0.005, 100, 0.05 / 3)
LATENCY = Setting("latencyQuantile", 1.5, 100, 0.05 / 3)
SCORES = Setting("scoreShift", 0.2, 100, 0.05 / 3)
MIRRORED = Setting("disagreement", 0.1, 100, 0.05 / 3)


def test_many_more_errors_fail_and_the_sentence_has_both_numbers() -> None:
    result = error_ratio((errors((50, 1000), (90, 9000)),), ERRORS)
    assert (result.verdict, result.reason) == (Verdict.FAILED, Reason.THRESHOLD_EXCEEDED)
    assert result.value == pytest.approx(0.04)
    assert result.samples == 1000
    assert "5.00% of the candidate's requests and 1.00% of the stable version's" in result.message
    assert "+4.00 points, where +0.5 is still good" in result.message


def test_a_proven_but_harmless_increase_passes() -> None:
    result = error_ratio((errors((2000, 1e7), (1000, 1e7)),), ERRORS)
    assert result.verdict is Verdict.PASSED
    assert result.p_value is not None
    assert result.p_value < 1e-6


def test_a_large_increase_that_may_be_chance_is_inconclusive_not_failed() -> None:
    result = error_ratio((errors((3, 120), (11, 1080)),), ERRORS)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, Reason.MAY_BE_CHANCE)
    assert "may be chance" in result.message


@pytest.mark.parametrize(("candidate", "stable"), [(99, 1000), (1000, 99), (0, 0), (1000, 0)])
def test_too_few_requests_of_either_are_inconclusive_however_bad(candidate: int, stable: int) -> None:
    result = error_ratio((errors((candidate, candidate), (0, stable)),), ERRORS)
    assert (result.verdict, result.reason, result.value) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_REQUESTS, None)
    assert "100 of each are needed" in result.message


def test_no_window_at_all_is_inconclusive() -> None:
    for check, setting in ((error_ratio, ERRORS), (latency_quantile, LATENCY), (score_shift, SCORES)):
        assert check((), setting).reason is Reason.TOO_FEW_REQUESTS


def test_an_incident_that_hits_both_is_not_held_against_the_one_with_more_requests_then() -> None:
    quiet, incident = errors((2, 2000), (18, 18000)), errors((500, 2000), (500, 2000))
    by_window = error_ratio((quiet, incident), ERRORS)
    assert by_window.verdict is Verdict.PASSED
    assert by_window.value == pytest.approx(0)
    pooled = error_ratio((errors((502, 4000), (518, 20000)),), ERRORS)
    assert pooled.verdict is Verdict.FAILED


def test_a_window_without_stable_traffic_neither_helps_nor_harms() -> None:
    compared, alone = errors((50, 1000), (90, 9000)), errors((0, 5000), (0, 0))
    assert error_ratio((compared, alone), ERRORS) == error_ratio((compared,), ERRORS)


def test_more_errors_than_requests_count_as_all_of_them() -> None:
    result = error_ratio((errors((1003, 1000), (0, 1000)),), ERRORS)
    assert result.value == 1


@given(
    fewer=st.integers(0, 900), more=st.integers(1, 100), stable=st.integers(0, 300), requests=st.integers(1000, 20000)
)
def test_more_errors_of_the_candidate_never_make_the_verdict_milder(
    fewer: int, more: int, stable: int, requests: int
) -> None:
    severity = [Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.FAILED]
    mild = error_ratio((errors((fewer, 1000), (stable, requests)),), ERRORS)
    harsh = error_ratio((errors((fewer + more, 1000), (stable, requests)),), ERRORS)
    assert severity.index(mild.verdict) <= severity.index(harsh.verdict)


@given(candidate=st.integers(0, 500), stable=st.integers(0, 500), times=st.integers(2, 50))
def test_the_same_rates_on_more_requests_never_make_a_failure_doubtful(candidate: int, stable: int, times: int) -> None:
    few = error_ratio((errors((candidate, 1000), (stable, 1000)),), ERRORS)
    assume(few.verdict is Verdict.FAILED)
    many = error_ratio((errors((candidate * times, 1000 * times), (stable * times, 1000 * times)),), ERRORS)
    assert many.verdict is Verdict.FAILED


def _seen(candidate: VersionSample, stable: VersionSample) -> tuple[TrafficSample, ...]:
    return (TrafficSample(stable=stable, candidate=candidate),)


def test_a_candidate_five_times_slower_fails() -> None:
    draw = random.Random(1)
    result = latency_quantile(_seen(drawn(draw, 150, slowness=5), drawn(draw, 1350)), LATENCY)
    assert result.verdict is Verdict.FAILED
    assert result.value == pytest.approx(5, rel=0.5)
    assert "times as long, where 1.5 times is still good" in result.message


def test_a_faster_candidate_passes_without_evidence_against_it() -> None:
    draw = random.Random(2)
    result = latency_quantile(_seen(drawn(draw, 500, slowness=0.2), drawn(draw, 4500)), LATENCY)
    assert (result.verdict, result.p_value) == (Verdict.PASSED, 1)


def test_slow_first_requests_of_a_small_sample_are_doubted_rather_than_failed() -> None:
    slow = counted(LATENCY_BOUNDS, [0.0015] * 94 + [0.003] * 6)
    usual = counted(LATENCY_BOUNDS, [0.0015] * 96 + [0.003] * 4)
    result = latency_quantile(
        _seen(VersionSample(100, 0, latency=slow), VersionSample(900, 0, latency=usual.scaled(9))),
        replace(LATENCY, maximum=1.01),
    )
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, Reason.MAY_BE_CHANCE)


def test_versions_with_different_buckets_are_compared_by_those_in_common() -> None:
    stable = Histogram((0.005, 0.05, math.inf), (900, 100, 0))
    candidate = Histogram((0.005, 0.01, 0.05, math.inf), (10, 10, 980, 0))
    window = _seen(VersionSample(1000, 0, latency=candidate), VersionSample(1000, 0, latency=stable))
    result = latency_quantile(window, LATENCY)
    assert result.verdict is Verdict.FAILED
    assert result.value == pytest.approx((0.005 + 0.045 * 940 / 990) / (0.005 + 0.045 * 50 / 100))
    assert latency_quantile(window, replace(LATENCY, maximum=2)).verdict is Verdict.PASSED


def test_versions_without_a_bucket_in_common_are_inconclusive() -> None:
    stable, candidate = Histogram((1.0, math.inf), (500, 0)), Histogram((2.0, math.inf), (0, 500))
    window = _seen(VersionSample(500, 0, latency=candidate), VersionSample(500, 0, latency=stable))
    result = latency_quantile(window, LATENCY)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_REQUESTS)


def test_shifted_scores_fail_in_either_direction() -> None:
    draw = random.Random(3)
    for shift in (-1.5, 1.5):
        result = score_shift(_seen(drawn(draw, 300, shift=shift), drawn(draw, 2700)), SCORES)
        assert result.verdict is Verdict.FAILED
        assert result.value is not None
        assert result.value > 0.2


def test_a_slight_shift_that_many_scores_prove_passes() -> None:
    stable = Histogram((0.25, 0.5, 0.75, math.inf), (4e6, 3e6, 2e6, 1e6))
    candidate = Histogram((0.25, 0.5, 0.75, math.inf), (3.9e6, 3.1e6, 2e6, 1e6))
    window = _seen(VersionSample(1e7, 0, scores=candidate), VersionSample(1e7, 0, scores=stable))
    result = score_shift(window, SCORES)
    assert result.verdict is Verdict.PASSED
    assert result.p_value is not None
    assert result.p_value < 1e-6


def test_scores_of_one_request_count_once() -> None:
    """Twenty requests that each carry fifty like customers are twenty observations."""
    stable = Histogram((0.5, math.inf), (5000, 5000))
    candidate = Histogram((0.5, math.inf), (800, 200))
    singles = _seen(VersionSample(1000, 0, scores=candidate), VersionSample(10000, 0, scores=stable))
    batches = _seen(VersionSample(20, 0, scores=candidate), VersionSample(200, 0, scores=stable))
    assert score_shift(singles, SCORES).verdict is Verdict.FAILED
    assert score_shift(batches, SCORES).reason is Reason.TOO_FEW_REQUESTS
    doubted = score_shift(batches, replace(SCORES, min_requests=5))
    assert (doubted.verdict, doubted.samples) == (Verdict.INCONCLUSIVE, 20)


def test_disagreement_fails_beyond_its_maximum_only_with_evidence() -> None:
    assert disagreement((errors((0, 0), (0, 0), mirrored=(300, 1000)),), MIRRORED).verdict is Verdict.FAILED
    assert disagreement((errors((0, 0), (0, 0), mirrored=(90, 1000)),), MIRRORED).verdict is Verdict.PASSED
    doubted = disagreement((errors((0, 0), (0, 0), mirrored=(13, 120)),), MIRRORED)
    assert (doubted.verdict, doubted.reason) == (Verdict.INCONCLUSIVE, Reason.MAY_BE_CHANCE)


@pytest.mark.parametrize(("maximum", "verdict"), [(0.0, Verdict.FAILED), (1.0, Verdict.PASSED), (2.0, Verdict.PASSED)])
def test_disagreement_takes_any_maximum(maximum: float, verdict: Verdict) -> None:
    window = errors((0, 0), (0, 0), mirrored=(200, 200))
    assert disagreement((window,), replace(MIRRORED, maximum=maximum)).verdict is verdict


def test_disagreement_adds_up_over_windows_and_outlasts_the_shadow_step() -> None:
    shadow, canary = errors((0, 0), (0, 5000), mirrored=(1500, 5000)), errors((0, 1000), (0, 9000))
    result = disagreement((shadow, canary), MIRRORED)
    assert (result.verdict, result.samples) == (Verdict.FAILED, 5000)


def test_without_mirroring_disagreement_says_what_to_change() -> None:
    result = disagreement((errors((0, 1000), (0, 1000)),), MIRRORED)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, Reason.NOTHING_MIRRORED)
    assert "in steps with shadow, by serving.trafficDriver: gateway; no more will be mirrored" in result.message
    few = disagreement((errors((0, 1000), (0, 1000), mirrored=(9, 10)),), MIRRORED)
    assert (few.verdict, few.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_REQUESTS)
    assert few.message == "10 mirrored requests were compared, and 100 are needed"


@pytest.mark.parametrize(
    ("requests", "comparisons", "reason", "message"),
    [
        (0, Comparisons(0, 0, 0), Reason.TOO_FEW_REQUESTS, "and 100 are needed; none reached the candidate: copies"),
        (500, Comparisons(0, 0, 0), Reason.NOTHING_COMPARED, "answered 500 requests and took none for a copy"),
        (
            500,
            Comparisons(500, 0, 0),
            Reason.NOTHING_COMPARED,
            "got 500 copies and compared none of its answers: it was started without",
        ),
        (
            500,
            Comparisons(500, 0, 0, (("Dropped", 100), ("Unreachable", 400))),
            Reason.NOTHING_COMPARED,
            "the stable version gave no answer to compare with for 500 more (Unreachable 400, Dropped 100)",
        ),
        (
            500,
            Comparisons(500, 90, 90, (("Refused", 410), ("TimedOut", 0))),
            Reason.TOO_FEW_REQUESTS,
            "gave no answer to compare with for 410 more (Refused 410)",
        ),
    ],
)
def test_what_is_missing_for_a_comparison_is_said_and_never_held_against_the_candidate(
    requests: float, comparisons: Comparisons, reason: Reason, message: str
) -> None:
    window = replace(errors((0, requests), (0, 500)), comparisons=comparisons)
    result = disagreement((errors((0, 0), (0, 0)), window), MIRRORED)
    assert (result.verdict, result.reason, result.value) == (Verdict.INCONCLUSIVE, reason, None)
    assert message in result.message


@pytest.mark.parametrize(("differing", "verdict"), [(13, Verdict.PASSED), (60, Verdict.FAILED), (5, Verdict.PASSED)])
def test_once_nothing_is_mirrored_any_more_only_what_was_proven_counts(differing: float, verdict: Verdict) -> None:
    shadow, canary = errors((0, 0), (0, 500), mirrored=(differing, 120)), errors((0, 900), (0, 900))
    result = disagreement((shadow, canary), MIRRORED)
    assert total([result]) is verdict
    if differing == 13:
        assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, Reason.NOTHING_MIRRORED)
        assert total([disagreement((shadow,), MIRRORED)]) is Verdict.INCONCLUSIVE


def test_of_requests_with_several_customers_alike_ones_prove_nothing_that_single_ones_would_not() -> None:
    """Every request has half of its customers in another class: as good as every other request."""
    halves = disagreement((errors((0, 0), (0, 0), mirrored=(20.0, 100)),), MIRRORED)
    assert halves.value == 0.2
    assert halves.samples == 100


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_counts_that_make_no_sense_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        VersionSample(requests=bad, errors=0)
    with pytest.raises(ValueError, match="mirrored requests must be"):
        errors((0, 1), (0, 1), mirrored=(0, bad))
