"""Candidate against champion: bounds by a paired bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from churn_report import LOWER_IS_BETTER
from churn_trainer.calibration_bounds import widened
from churn_trainer.comparison import SharedRows, bootstrap_gains, compare, resamples_for
from churn_trainer.metrics import all_metrics
from churn_trainer.resampling import Ranking, draw_counts
from churn_trainer.threads import worthwhile_threads
from numpy.typing import NDArray

pytestmark = pytest.mark.unit

SHA = "a" * 64
ROWS = 1400


def shared_rows(
    random: np.random.Generator, rows: int = ROWS, noise: tuple[float, float] = (0.5, 0.5), sharpness: float = 1.0
) -> SharedRows:
    """Customers whose logit two models see through noise of their own; the candidate's is then sharpened."""
    logit = random.normal(-1.3, 1.4, rows)
    positive = random.random(rows) < _probability(logit)
    seen = [logit + random.normal(0, blur, rows) for blur in noise]
    return SharedRows(positive, _probability(seen[0] * sharpness), _probability(seen[1]))


def _probability(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-logit))


def _differences(rows: SharedRows) -> dict[str, float]:
    ours, theirs = all_metrics(rows.positive, rows.candidate), all_metrics(rows.positive, rows.champion)
    return {name: (theirs[name] - ours[name]) * (1 if name in LOWER_IS_BETTER else -1) for name in ours}


@pytest.mark.parametrize(("rows", "decimals"), [(400, 2), (37, 1), (1409, 16)])
def test_metrics_of_counts_are_the_metrics_of_the_repeated_rows(rows: int, decimals: int) -> None:
    random = np.random.default_rng(rows)
    scores = random.beta(1, 3, rows).round(decimals)
    positive = random.random(rows) < scores
    counts = np.concatenate([np.ones((1, rows)), *draw_counts(rows, 20, seed=3)])

    found = Ranking(positive, scores).metrics(counts)

    for resample, times in enumerate(counts.astype(int)):
        expected = all_metrics(np.repeat(positive, times), np.repeat(scores, times))
        assert {name: values[resample] for name, values in found.items()} == pytest.approx(expected, abs=1e-9)


def test_resamples_hold_as_many_rows_as_there_are_however_they_are_cut() -> None:
    drawn = np.concatenate(list(draw_counts(150_000, 3, seed=1)))

    assert drawn.shape == (3, 150_000)
    assert (drawn.sum(axis=1) == 150_000).all()
    assert (drawn[0] != drawn[1]).any()
    # A row is left out of a resample with probability 1/e.
    assert np.mean(drawn == 0) == pytest.approx(np.exp(-1), abs=0.005)


@pytest.mark.slow
def test_a_model_against_itself_differs_by_nothing() -> None:
    rows = shared_rows(np.random.default_rng(1))

    found = compare(SharedRows(rows.positive, rows.champion, rows.champion), SHA, 0.95, seed=7)

    assert found.unavailable is None
    assert (found.rows, found.champion_sha256) == (ROWS, SHA)
    assert {result.metric for result in found.results} == all_metrics(rows.positive, rows.champion).keys()
    for result in found.results:
        assert (result.difference, result.lower, result.upper) == (0, 0, 0), result.metric
        assert result.candidate == result.champion == all_metrics(rows.positive, rows.champion)[result.metric]


@pytest.mark.slow
def test_a_worse_candidate_is_worse_with_confidence_and_turned_around_is_better() -> None:
    rows = shared_rows(np.random.default_rng(2), noise=(2.0, 0.3))

    worse = compare(rows, SHA, 0.95, seed=7)
    better = compare(SharedRows(rows.positive, rows.champion, rows.candidate), SHA, 0.95, seed=7)

    for metric in ("rocAuc", "averagePrecision", "brier", "logLoss", "liftTopDecile", "empc"):
        one, other = worse.of(metric), better.of(metric)
        assert one is not None
        assert other is not None
        assert one.lower < one.difference < one.upper < 0, metric
        assert (other.lower, other.upper) == pytest.approx((-one.upper, -one.lower), abs=1e-9), metric


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bounds() -> None:
    rows = shared_rows(np.random.default_rng(3))

    assert compare(rows, SHA, 0.95, seed=7) == compare(rows, SHA, 0.95, seed=7)
    assert compare(rows, SHA, 0.95, seed=7) != compare(rows, SHA, 0.95, seed=8)


@pytest.mark.slow
def test_more_confidence_gives_wider_bounds_on_more_resamples() -> None:
    rows = shared_rows(np.random.default_rng(4), rows=300)

    usual, strict = (compare(rows, SHA, confidence, seed=7).of("rocAuc") for confidence in (0.95, 0.999))

    assert usual is not None
    assert strict is not None
    assert strict.lower < usual.lower < usual.upper < strict.upper
    assert [resamples_for(confidence) for confidence in (0.5, 0.95, 0.999)] == [2000, 2000, 10_000]


@pytest.mark.slow
def test_the_spread_of_roc_auc_is_delongs() -> None:
    rows = shared_rows(np.random.default_rng(5))
    spread = float(np.std(bootstrap_gains(rows, 2000, seed=1)["rocAuc"]))

    assert spread == pytest.approx(_delong_standard_error(rows), rel=0.1)


def _delong_standard_error(rows: SharedRows) -> float:
    """DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44: from each customer's placement among the other class."""
    by_churner, by_other = [], []
    for scores in (rows.candidate, rows.champion):
        wins = scores[rows.positive][:, None] > scores[~rows.positive][None, :]
        by_churner.append(wins.mean(axis=1))
        by_other.append(wins.mean(axis=0))
    parts = [np.var(placed[0] - placed[1], ddof=1) / len(placed[0]) for placed in (by_churner, by_other)]
    return float(np.sqrt(sum(parts)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "sharpness"), [((0.5, 0.5), 1.0), ((0.8, 0.3), 1.0), ((0.3, 0.3), 1.5)], ids=["equal", "blurred", "sharp"]
)
def test_the_bounds_hold_as_often_as_they_claim(noise: tuple[float, float], sharpness: float) -> None:
    """Of 40 samples, a bound that claims .95 misses more than 7 about once in a thousand times."""
    random = np.random.default_rng(11)
    with worthwhile_threads(ROWS):
        true = _differences(shared_rows(random, 200_000, noise, sharpness))
        missed = {name: np.zeros(2) for name in true}
        for sample in range(40):
            found = compare(shared_rows(random, ROWS, noise, sharpness), SHA, 0.95, seed=sample, resamples=200)
            for result in found.results:
                missed[result.metric] += [result.lower > true[result.metric], result.upper < true[result.metric]]

    assert {name: counts.tolist() for name, counts in missed.items() if counts.max() > 7} == {}
    ranked = sum(missed[name].sum() for name in ("rocAuc", "brier", "logLoss", "accuracy"))
    assert ranked > 0, "bounds that never miss claim too little"


def test_calibration_bounds_keep_nothing_and_large_differences_and_widen_small_ones() -> None:
    assert widened(0.0, 0.0, 0.03) == (0.0, 0.0)
    assert widened(-0.01, 0.02, 0.0) == (-0.01, 0.02)
    lower, upper = widened(-0.01, 0.02, 0.03)
    assert lower < -0.01
    assert upper > 0.02
    # Far from 0 all that chance can have hidden is what it adds to a perfect model: sqrt(2 / pi) of the noise.
    assert widened(-0.5, -0.4, 0.03) == pytest.approx((-0.5 - 0.03 * np.sqrt(2 / np.pi), -0.4))


@pytest.mark.parametrize(
    ("positives", "negatives", "says"),
    [(40, 59, "99 rows"), (19, 300, "19 of the rarer class"), (300, 0, "0 of the rarer"), (0, 300, "0 of the rarer")],
)
def test_too_few_customers_are_not_compared(positives: int, negatives: int, says: str) -> None:
    positive = np.arange(positives + negatives) < positives
    scores = np.linspace(0, 1, len(positive))

    found = compare(SharedRows(positive, scores, scores), SHA, 0.95, seed=7)

    assert found.unavailable is not None
    assert says in found.unavailable
    assert not found.results
