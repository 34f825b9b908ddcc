"""Quantiles and the population stability index against known values."""

from __future__ import annotations

import math
import random

import pytest
from churn_operator.core.analysis import Histogram
from churn_operator.core.analysis.histograms import grouped, quantile, stability_index
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

pytestmark = pytest.mark.unit

INF = math.inf
COUNTS = st.lists(st.integers(0, 500), min_size=4, max_size=4).filter(lambda counts: sum(counts) > 0)


@pytest.mark.parametrize(
    ("counts", "level", "expected"),
    [
        ((10, 0, 0), 0.5, 0.5),
        ((0, 10, 0), 0.95, 1.95),
        ((90, 10, 0), 0.95, 1.5),
        ((0, 0, 10), 0.95, 2.0),
        ((50, 0, 50), 0.5, 1.0),
    ],
)
def test_quantiles_are_those_of_prometheus(counts: tuple[float, ...], level: float, expected: float) -> None:
    assert quantile(Histogram((1.0, 2.0, INF), counts), level) == pytest.approx(expected)


@given(counts=COUNTS, levels=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)))
def test_a_higher_level_is_never_a_lower_quantile(counts: list[int], levels: tuple[float, float]) -> None:
    histogram = Histogram((0.1, 0.5, 2.0, INF), tuple(counts))
    assert quantile(histogram, min(levels)) <= quantile(histogram, max(levels)) + 1e-12


def test_wider_buckets_keep_what_was_counted() -> None:
    histogram = Histogram((1.0, 2.0, 3.0, INF), (1, 2, 3, 4))
    assert histogram.at((2.0, INF)) == Histogram((2.0, INF), (3, 7))
    assert histogram.above(2.0) == 7
    assert histogram.above(INF) == 0


def test_bounds_are_grouped_by_place_and_the_last_is_kept() -> None:
    assert grouped((1, 2, 3, 4, INF), 3) == (1, 3, INF)
    assert grouped((1, INF), 10) == (1, INF)
    assert len(grouped(tuple(range(1000)), 10)) == 10


@pytest.mark.parametrize(
    ("bounds", "counts", "complaint"),
    [
        ((1.0, 2.0), (1, 1), "infinity"),
        ((2.0, 1.0, INF), (1, 1, 1), "ascend"),
        ((1.0, INF), (1,), "as many"),
        ((1.0, INF), (1, -1), "negative"),
        ((1.0, INF), (1, math.nan), "finite"),
    ],
)
def test_a_histogram_that_makes_no_sense_is_refused(
    bounds: tuple[float, ...], counts: tuple[float, ...], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Histogram(bounds, counts)


def test_the_index_of_large_samples_is_the_formula_s() -> None:
    p, q = (0.2, 0.3, 0.5), (0.3, 0.3, 0.4)
    formula = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    index, bins = stability_index([share * 1e7 for share in p], [share * 1e7 for share in q], 1e7, 1e7)
    assert bins == 3
    assert index == pytest.approx(formula, abs=1e-5)


@given(stable=COUNTS, candidate=COUNTS)
def test_the_index_is_at_least_zero_and_finite(stable: list[int], candidate: list[int]) -> None:
    index, bins = stability_index(stable, candidate, sum(stable), sum(candidate))
    assert 0 <= index < INF
    assert 1 <= bins <= 4


@given(counts=COUNTS)
def test_a_sample_has_not_shifted_against_itself(counts: list[int]) -> None:
    assert stability_index(counts, counts, sum(counts), sum(counts))[0] == 0


def test_without_a_shift_the_index_is_chi_squared_as_its_source_says() -> None:
    """What is taken off is the mean of the distribution; its spread confirms the degrees of freedom."""
    draw, n, m, bins = random.Random(5), 400, 300, 5
    scaled = []
    for _ in range(400):
        first = [draw.randrange(bins) for _ in range(n)]
        second = [draw.randrange(bins) for _ in range(m)]
        counts = [[sample.count(each) for each in range(bins)] for sample in (first, second)]
        shares = zip(counts[0], counts[1], strict=True)
        index = sum((b / m - a / n) * math.log((b / m) / (a / n)) for a, b in shares)
        scaled.append(index * n * m / (n + m))
    assert stats.kstest(scaled, stats.chi2(bins - 1).cdf).pvalue > 0.01


def test_small_samples_of_one_distribution_show_next_to_no_index() -> None:
    draw, found = random.Random(6), []
    for _ in range(200):
        counts = [[0] * 10, [0] * 10]
        for place in draw.choices(range(10), k=100):
            counts[0][place] += 1
        for place in draw.choices(range(10), k=100):
            counts[1][place] += 1
        found.append(stability_index(counts[0], counts[1], 100, 100)[0])
    assert sum(found) / len(found) < 0.06
