"""A version that is bad is bad to its clients, in its metrics, and alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from churn_devcluster.cluster import Devcluster
from churn_devcluster.faults import Faults, write_faults

from .conftest import Models, ask, by, until

_REQUESTS = 300


@pytest.fixture
def served(models: Models, faults_file: Path) -> Iterator[Models]:
    """Versions 1 and 2; the faults end with the test."""
    models.serve("1", "2")
    yield models
    write_faults(faults_file, {})


def test_errors_are_counted_as_the_servers_own(cluster: Devcluster, served: Models, faults_file: Path) -> None:
    write_faults(faults_file, {"2": Faults(error_share=0.2)})
    good, bad = (ask(served.url(version), _REQUESTS) for version in ("1", "2"))
    assert good.codes == {200: _REQUESTS}
    # Five standard deviations.
    assert abs(bad.codes[500] / _REQUESTS - 0.2) < 0.116
    failed = f"sum by (version) ({served.series('churn_prediction_errors_total')})"
    until(lambda: by("version", cluster.prometheus.query(failed)) == {"2": bad.codes[500]}, "the errors are counted")
    [series] = cluster.prometheus.query(served.series("churn_prediction_errors_total"))
    assert series["metric"]["reason"] == "Internal"

    write_faults(faults_file, {})
    assert ask(served.url("2"), 50).codes == {200: 50}


def test_a_slow_version_is_slow_in_its_histogram(cluster: Devcluster, served: Models, faults_file: Path) -> None:
    write_faults(faults_file, {"2": Faults(slow_factor=5)})
    # By turns, so that what else the machine does hits both.
    for version in ("1", "2") * 20:
        assert ask(served.url(version), _REQUESTS // 10).codes == {200: _REQUESTS // 10}
    count = f"sum by (version) ({served.series('churn_prediction_duration_seconds_count')})"
    until(
        lambda: by("version", cluster.prometheus.query(count)) == {"1": 2 * _REQUESTS, "2": 2 * _REQUESTS},
        "all requests are counted",
    )
    quantile = (
        f"histogram_quantile(0.5, sum by (version, le) ({served.series('churn_prediction_duration_seconds_bucket')}))"
    )
    median = by("version", cluster.prometheus.query(quantile))
    assert median["2"] > 3 * median["1"]


def test_shifted_scores_are_in_answers_and_metrics(cluster: Devcluster, served: Models, faults_file: Path) -> None:
    write_faults(faults_file, {"2": Faults(shift_scores=-0.3)})
    [good], [bad] = (ask(served.url(version), 1).probabilities for version in ("1", "2"))
    assert bad == pytest.approx(max(0, good - 0.3))
    assert bad != good
    total = f"sum by (version) ({served.series('churn_prediction_score_sum')})"

    def observed() -> bool:
        sums = by("version", cluster.prometheus.query(total))
        return sums == {"1": pytest.approx(good), "2": pytest.approx(bad)}

    until(observed, "both scores are in the histogram")
