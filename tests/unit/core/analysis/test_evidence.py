"""Evidence against known values, and how rarely it is strong by chance, however often one looks."""

from __future__ import annotations

import math
import random

import pytest
from churn_operator.core.analysis.evidence import (
    Split,
    log_above,
    log_excess,
    log_likelihood_ratio,
    log_mean,
    log_shift,
    p_value,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

pytestmark = pytest.mark.unit

ALPHA = 0.05


@pytest.mark.parametrize("ratio", [0.5, 2.0, 30.0])
@pytest.mark.parametrize(("candidate", "total", "share"), [(0, 7, 0.1), (5, 9, 0.25), (40, 40, 0.5)])
def test_the_likelihood_ratio_is_that_of_two_binomials(candidate: int, total: int, share: float, ratio: float) -> None:
    expected = stats.binom.logpmf(candidate, total, ratio * share / (1 + share * (ratio - 1)))
    expected -= stats.binom.logpmf(candidate, total, share)
    assert log_likelihood_ratio([Split(candidate, total, share)], ratio) == pytest.approx(expected)


def test_likelihood_ratios_of_windows_multiply() -> None:
    one, other = Split(5, 9, 0.1), Split(3, 20, 0.5)
    both = log_likelihood_ratio([one, other], 3.0)
    assert both == pytest.approx(log_likelihood_ratio([one], 3.0) + log_likelihood_ratio([other], 3.0))


@pytest.mark.parametrize(("total", "share"), [(1, 0.1), (12, 0.1), (30, 0.5)])
def test_evidence_has_mean_one_when_nothing_is_wrong(total: int, share: float) -> None:
    def mean(evidence: list[float]) -> float:
        return math.fsum(stats.binom.pmf(count, total, share) * math.exp(value) for count, value in enumerate(evidence))

    splits = [Split(count, total, share) for count in range(total + 1)]
    assert mean([log_excess([split]) for split in splits]) == pytest.approx(1)
    assert mean([log_shift([[split]]) for split in splits]) == pytest.approx(1)
    assert mean([log_above(count, total, share) for count in range(total + 1)]) == pytest.approx(1)


def test_evidence_of_an_excess_has_a_mean_of_at_most_one_when_the_candidate_is_better() -> None:
    better = 0.05
    mean = math.fsum(
        stats.binom.pmf(count, 30, better) * math.exp(log_excess([Split(count, 30, 0.1)])) for count in range(31)
    )
    assert mean < 1


@given(total=st.integers(1, 2000), part=st.floats(0, 1), share=st.floats(0.01, 0.99))
def test_more_of_them_from_the_candidate_is_more_evidence(total: int, part: float, share: float) -> None:
    fewer = math.floor(part * (total - 1))
    assert log_excess([Split(fewer + 1, total, share)]) > log_excess([Split(fewer, total, share)])


@given(total=st.integers(1, 500), share=st.floats(0.01, 0.99))
def test_a_window_without_a_choice_is_no_evidence(total: int, share: float) -> None:
    assert log_excess([Split(0, 0, share)]) == pytest.approx(0)
    assert log_excess([Split(total * share, total, share)]) < math.log(1 / ALPHA)


def test_a_mean_of_logarithms_far_apart_neither_overflows_nor_vanishes() -> None:
    assert log_mean([-2000.0, 1500.0]) == pytest.approx(1500 - math.log(2))
    assert log_excess([Split(1e7, 1e7, 0.1)]) > 1e6


def test_p_value_is_the_inverse_of_evidence_and_at_most_one() -> None:
    assert p_value(math.log(80)) == pytest.approx(1 / 80)
    assert p_value(-5) == 1


@pytest.mark.parametrize("ratio", [1.01, 1.05, 1.15, 1.4, 7.0, 500.0])
def test_an_excess_of_any_ratio_is_found_in_the_end(ratio: float) -> None:
    total, share = 1e7, 0.2
    candidate = total * ratio * share / (1 + share * (ratio - 1))
    assert log_excess([Split(candidate, total, share)]) > math.log(1 / ALPHA)
    assert log_shift([[Split(candidate, total, share)]]) > math.log(1 / ALPHA) or ratio < 1.03


def test_evidence_against_a_rate_is_that_of_binomials_with_higher_odds() -> None:
    assert log_above(60, 100, 0.5) > log_above(55, 100, 0.5) > log_above(50, 100, 0.5)
    assert log_above(0, 100, 0.5) < 0
    assert log_above(100, 100, 1.0) == 0
    assert log_above(3, 100, 0.0) > math.log(1 / ALPHA)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_looking_after_every_event_seldom_finds_what_is_not_there(share: float) -> None:
    draw, walks, found = random.Random(17), 400, 0
    for _ in range(walks):
        candidate = 0
        for total in range(1, 201):
            candidate += draw.random() < share
            if log_excess([Split(candidate, total, share)]) >= math.log(1 / ALPHA):
                found += 1
                break
    assert found <= stats.binom.ppf(0.999, walks, ALPHA)


def test_a_fixed_test_repeated_at_every_look_would_find_it_far_too_often() -> None:
    """The reason for all this: the same walks under a one-sided binomial test at each look."""
    draw, walks, found = random.Random(17), 100, 0
    for _ in range(walks):
        candidate = 0
        for total in range(1, 201):
            candidate += draw.random() < 0.5
            if total % 5 == 0 and stats.norm.sf((candidate - total / 2) / math.sqrt(total / 4)) < ALPHA:
                found += 1
                break
    assert found > 2 * ALPHA * walks


def test_a_real_excess_is_found() -> None:
    draw, walks, found = random.Random(18), 100, 0
    for _ in range(walks):
        candidate = sum(draw.random() < 0.5 for _ in range(100))
        found += log_excess([Split(candidate, 100, 0.2)]) >= math.log(1 / ALPHA)
    assert found == walks
