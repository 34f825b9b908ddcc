"""What is asked of Prometheus, and what its answers mean."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from churn_operator.adapters.http import Answer
from churn_operator.adapters.prometheus import Series, comparisons, histogram, read_answer, version_sample
from churn_operator.adapters.prometheus_queries import ALWAYS, OF_COMPARISONS, VARIABLES, Counted, filled, increase_of
from churn_operator.core.analysis.samples import EMPTY, Comparisons, Histogram, VersionSample
from churn_operator.core.live_traffic import TrafficQuestion, TrafficWindow
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import AdapterError, Rejected, Transient, Unreadable

pytestmark = pytest.mark.unit

_START = datetime(2026, 8, 1, 12, tzinfo=UTC)


def _at(seconds: float) -> datetime:
    return _START + timedelta(seconds=seconds)


_QUESTION = TrafficQuestion(
    prometheus="http://prometheus:9090",
    key=ObjectKey("shop", "telco"),
    stable=3,
    candidate=4,
    windows=(TrafficWindow(_at(0), _at(300)), TrafficWindow(_at(300), _at(420.5))),
    interval=timedelta(minutes=1),
)


@pytest.mark.parametrize("counted", list(Counted))
def test_a_query_is_about_both_versions_of_one_model_in_one_window(counted: Counted) -> None:
    query = increase_of(counted, _QUESTION, _QUESTION.windows[1])
    assert query.count('namespace="shop", model="telco", version=~"3|4"') == query.count("version=~")
    assert "[120500ms]" in query
    assert "offset 120500ms" in query
    assert f">= {_at(0).timestamp():.3f}" in query
    assert "$" not in query
    assert "#" not in query.split("\n", 1)[1]


@pytest.mark.parametrize(
    ("counted", "by"),
    [
        (Counted.REQUESTS, "sum by (version) ("),
        (Counted.ERRORS, "sum by (version) ("),
        (Counted.LATENCY, "sum by (version, le) ("),
        (Counted.SCORES, "sum by (version, le) ("),
        (Counted.DISAGREEMENTS, "sum by (version) ("),
        (Counted.COMPARISON_FAILURES, "sum by (version, reason) ("),
    ],
)
def test_buckets_keep_their_bounds_and_failures_their_reason(counted: Counted, by: str) -> None:
    assert by in increase_of(counted, _QUESTION, _QUESTION.windows[0])


def test_errors_are_the_model_servers_own() -> None:
    assert 'reason="Internal"' in increase_of(Counted.ERRORS, _QUESTION, _QUESTION.windows[0])


@pytest.mark.parametrize("counted", [Counted.COMPARISONS, Counted.DISAGREEMENTS, Counted.COMPARISON_FAILURES])
def test_comparisons_are_the_candidates_with_the_stable_version(counted: Counted) -> None:
    assert 'version="4", compared_with="3"' in increase_of(counted, _QUESTION, _QUESTION.windows[0])


def test_every_counter_is_asked_for_always_or_with_comparisons() -> None:
    assert sorted((*ALWAYS, *OF_COMPARISONS)) == sorted(Counted)


def test_a_users_template_may_name_every_variable() -> None:
    template = " ".join(f"${name}" for name in VARIABLES)
    assert filled(template, _QUESTION) == "shop telco 3 4 421s 60s"


def test_a_dollar_sign_is_written_twice() -> None:
    assert (
        filled('label_replace(up, "a", "$$1", "b", "(.*)")', _QUESTION) == 'label_replace(up, "a", "$1", "b", "(.*)")'
    )


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("rate(x[$step])", r"there is no variable \$step: use \$namespace, \$name, .*\$window"),
        ('label_replace(up, "a", "$1", "b", "")', r"write \$\$ for a dollar sign"),
    ],
)
def test_a_template_that_cannot_be_filled_says_what_to_write(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        filled(template, _QUESTION)


def _bucket(bound: str, value: float, version: str = "4") -> Series:
    return Series({"version": version, "le": bound}, value)


def test_cumulative_buckets_become_counts_of_each() -> None:
    buckets = [_bucket("+Inf", 9.0), _bucket("0.1", 3.0), _bucket("1.0", 8.0)]
    assert histogram(buckets) == Histogram((0.1, 1.0, math.inf), (3.0, 5.0, 1.0))


def test_buckets_that_were_scraped_in_between_never_count_below_zero() -> None:
    assert histogram([_bucket("0.1", 3.0), _bucket("+Inf", 2.9)]).counts == (3.0, 0.0)


@pytest.mark.parametrize("buckets", [[_bucket("0.1", 3.0)], [_bucket("?", 1.0)], [Series({}, 1.0)]])
def test_what_is_no_histogram_is_unreadable(buckets: list[Series]) -> None:
    with pytest.raises(Unreadable):
        histogram(buckets)


def test_no_series_is_no_request_and_not_a_good_sign() -> None:
    nothing: dict[Counted, list[Series]] = {each: [] for each in Counted}
    assert version_sample(nothing, 4) == VersionSample(0, 0, EMPTY, EMPTY)


def test_each_version_has_its_own_series() -> None:
    counted = {each: [] for each in Counted} | {
        Counted.REQUESTS: [Series({"version": "3"}, 90.0), Series({"version": "4"}, 10.0)],
        Counted.ERRORS: [Series({"version": "4"}, 1.0)],
        Counted.LATENCY: [_bucket("+Inf", 90.0, "3"), _bucket("+Inf", 10.0)],
    }
    assert version_sample(counted, 3) == VersionSample(90.0, 0.0, Histogram((math.inf,), (90.0,)), EMPTY)
    assert version_sample(counted, 4) == VersionSample(10.0, 1.0, Histogram((math.inf,), (10.0,)), EMPTY)


def test_comparisons_are_of_the_candidate_and_failures_by_reason() -> None:
    nothing: dict[Counted, list[Series]] = {each: [] for each in Counted}
    assert comparisons(nothing, 4) == Comparisons(0, 0, 0)
    counted = nothing | {
        Counted.COPIES: [Series({"version": "4"}, 100.0), Series({"version": "3"}, 7.0)],
        Counted.COMPARISONS: [Series({"version": "4"}, 90.0)],
        Counted.DISAGREEMENTS: [Series({"version": "4"}, 4.5)],
        Counted.COMPARISON_FAILURES: [Series({"version": "4", "reason": "Dropped"}, 10.0)],
    }
    assert comparisons(counted, 4) == Comparisons(100, 90, 4.5, (("Dropped", 10.0),))


def _success(kind: str, result: Any) -> Answer:
    return Answer(200, json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}))


def test_a_vector_is_read() -> None:
    result = [{"metric": {"version": "4"}, "value": [1764000000.123, "1.5"]}]
    assert read_answer(_success("vector", result)) == [Series({"version": "4"}, 1.5)]


def test_an_empty_vector_is_no_values() -> None:
    assert read_answer(_success("vector", [])) == []


def test_a_scalar_is_one_value() -> None:
    assert read_answer(_success("scalar", [1764000000.123, "2"])) == [Series({}, 2.0)]


def _refusal(status: int, kind: str, error: str) -> Answer:
    return Answer(status, json.dumps({"status": "error", "errorType": kind, "error": error}))


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (_refusal(400, "bad_data", "1:5: parse error: unclosed"), Rejected, "1:5: parse error: unclosed"),
        (_refusal(422, "execution", "many-to-many"), Rejected, "many-to-many"),
        (_refusal(422, "timeout", "query timed out"), Transient, "query timed out"),
        (_refusal(503, "unavailable", "not ready"), Transient, "not ready"),
        (Answer(502, "<html>"), Transient, "502"),
        (Answer(429, "slow down"), Transient, "429"),
        (Answer(404, "not found"), Rejected, "is this the address of Prometheus"),
        (Answer(302, ""), Rejected, "is this the address of Prometheus"),
        (Answer(200, "<html>Please log in"), Transient, "not of Prometheus"),
        (Answer(200, "[]"), Transient, "not of Prometheus"),
        pytest.param(Answer(200, "[" * 100_000), Transient, "not of Prometheus", id="nested without end"),
        (_success("matrix", []), Rejected, "gives a matrix where one number"),
        (_success("vector", [{"metric": {}}]), Unreadable, "cannot be read"),
        (_success("vector", [{"metric": {}, "value": [0, "?"]}]), Unreadable, "cannot be read"),
        (Answer(200, '{"status": "success"}'), Unreadable, "cannot be read"),
    ],
)
def test_what_is_no_answer_is_told_apart(answer: Answer, kind: type[AdapterError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        read_answer(answer)
    assert type(caught.value) is kind


def test_prometheus_own_wish_to_wait_is_kept() -> None:
    with pytest.raises(Transient) as caught:
        read_answer(Answer(503, "", retry_after="7"))
    assert caught.value.retry_after == timedelta(seconds=7)


def test_a_question_needs_windows_of_some_length() -> None:
    with pytest.raises(ValueError, match="no length"):
        TrafficWindow(_at(1), _at(1))
    with pytest.raises(ValueError, match="needs a window"):
        TrafficQuestion("http://p", ObjectKey("a", "b"), 1, 2, (), timedelta(seconds=5))
