"""The analysis as part of a rollout: when it looks, what it remembers, what follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus
from churn_operator.api.v1alpha1.rollout import BUILT_IN_CHECKS
from churn_operator.api.v1alpha1.status import AnalysisStatus, StepStatus, Verdict, VersionState
from churn_operator.core.analyse import Analysed, analyse
from churn_operator.core.analysis import BuiltIn, Conclusion, Measurement, Traffic, Unavailable
from churn_operator.core.live_questions import look_question
from churn_operator.core.live_traffic import TrafficWindow
from churn_operator.core.observation import Known, Seen, Unknown

from tests.unit.core.rollouts import (
    BEGAN,
    draft_of,
    failing,
    healthy,
    minutes,
    quiet,
    rollout_status,
    sample,
    spec_of,
    version,
)
from tests.unit.core.world import KEY

pytestmark = pytest.mark.unit

AWAY = Unknown("PrometheusUnavailable", "connection refused")
CANDIDATE = version(2, VersionState.CANDIDATE)


def spec(**analysis: Any) -> ChurnModelSpec:
    return spec_of(analysis={"prometheus": "http://prometheus:9090", "interval": "1m", **analysis})


def looked(verdict: Verdict = Verdict.PASSED, at: datetime = BEGAN, **changes: Any) -> AnalysisStatus:
    return AnalysisStatus(verdict=verdict, last_run=at, looks=1, **changes)


def passed(
    wish: ChurnModelSpec, status: ChurnModelStatus, now: datetime, traffic: Seen[Traffic], baked: bool
) -> Analysed:
    return analyse(draft_of(wish, status, now, traffic), CANDIDATE, baked)


def told(found: Analysed) -> tuple[str, str] | None:
    return next(
        (
            (finding.status.value, finding.reason)
            for finding in found.draft.findings
            if finding.type is ConditionType.CANARY_HEALTHY
        ),
        None,
    )


def events(found: Analysed) -> list[str]:
    return [event.reason for event in found.draft.events]


@pytest.mark.parametrize(
    ("traffic", "baked", "conclusion", "condition"),
    [
        (healthy(), False, Conclusion.WAIT, ("True", "AnalysisPassed")),
        (healthy(), True, Conclusion.PROCEED, ("True", "AnalysisPassed")),
        (failing(), False, Conclusion.WAIT, ("False", "AnalysisFailing")),
        (failing(), True, Conclusion.WAIT, ("False", "AnalysisFailing")),
        (quiet(), True, Conclusion.WAIT, ("True", "AnalysisInconclusive")),
        (AWAY, False, Conclusion.WAIT, ("Unknown", "AnalysisUnavailable")),
        (AWAY, True, Conclusion.WAIT, ("Unknown", "AnalysisUnavailable")),
    ],
)
def test_a_look_says_what_it_found_and_leads_on_only_if_it_passed(
    traffic: Seen[Traffic], baked: bool, conclusion: Conclusion, condition: tuple[str, str]
) -> None:
    found = passed(spec(), rollout_status(), minutes(5), traffic, baked)
    assert (found.conclusion, told(found)) == (conclusion, condition)
    after = found.draft.status.rollout.analysis
    assert after is not None
    assert (after.looks, after.last_run, after.baked) == (1, minutes(5), baked)
    assert found.draft.requeue_after == timedelta(minutes=1)


def test_without_analysis_or_without_a_stable_version_there_is_nothing_to_wait_for() -> None:
    for wish, status in ((spec_of(), rollout_status()), (spec(), rollout_status(stable=None))):
        found = passed(wish, status, minutes(5), healthy(), baked=False)
        assert found.conclusion is Conclusion.PROCEED
        assert found.draft.status == status
        assert found.draft.requeue_after is None


def test_as_many_failed_looks_as_the_limit_roll_back_even_before_the_bake_is_over() -> None:
    status = rollout_status(analysis=looked(Verdict.FAILED, minutes(1), failed=2))
    found = passed(spec(failureLimit=3), status, minutes(2), failing(), baked=False)
    assert (found.conclusion, found.reason) == (Conclusion.ROLL_BACK, "AnalysisFailed")
    assert "3 looks at its traffic failed: errorRatio: errors are 10.00% of the candidate's requests" in found.message
    assert events(found) == ["AnalysisFailing"]


def test_a_failed_look_below_the_limit_is_told_and_counted() -> None:
    found = passed(spec(failureLimit=3), rollout_status(), minutes(1), failing(), baked=False)
    assert found.draft.status.rollout.analysis is not None
    assert found.draft.status.rollout.analysis.failed == 1
    assert "look 1 of 3 that may fail" in found.draft.events[0].message


@pytest.mark.parametrize(
    ("wish", "conclusion", "reason"),
    [
        ("Hold", Conclusion.WAIT, ""),
        ("Promote", Conclusion.PROCEED, ""),
        ("Rollback", Conclusion.ROLL_BACK, "AnalysisInconclusive"),
    ],
)
def test_too_little_traffic_at_the_end_of_a_bake_leads_where_spec_says(
    wish: str, conclusion: Conclusion, reason: str
) -> None:
    found = passed(spec(onInconclusive=wish), rollout_status(), minutes(5), quiet(), baked=True)
    assert (found.conclusion, found.reason) == (conclusion, reason)
    assert "3 requests of the candidate" in found.message
    early = passed(spec(onInconclusive=wish), rollout_status(), minutes(1), quiet(), baked=False)
    assert early.conclusion is Conclusion.WAIT


def test_a_rollout_that_holds_for_want_of_requests_says_so_once() -> None:
    first = passed(spec(), rollout_status(), minutes(5), quiet(), baked=True)
    assert events(first) == ["AnalysisInconclusive"]
    again = passed(spec(), first.draft.status, minutes(6), quiet(), baked=True)
    assert again.draft.status.rollout.analysis is not None
    assert again.draft.status.rollout.analysis.looks == 2
    assert events(again) == []


def test_prometheus_away_is_told_once_and_neither_promotes_nor_rolls_back() -> None:
    status, found = rollout_status(), None
    for minute in range(1, 30):
        found = passed(spec(onInconclusive="Rollback"), status, minutes(minute), AWAY, baked=True)
        assert found.conclusion is Conclusion.WAIT
        assert events(found) == (["AnalysisUnavailable"] if minute == 1 else [])
        status = found.draft.status
    assert found is not None
    assert "connection refused" in found.message
    back = passed(spec(), status, minutes(30), healthy(), baked=True)
    assert back.conclusion is Conclusion.PROCEED


@pytest.mark.parametrize(
    ("status", "now", "asked"),
    [
        (rollout_status(), minutes(0.9), False),
        (rollout_status(), minutes(1), True),
        (rollout_status(analysis=looked(at=minutes(3))), minutes(3.9), False),
        (rollout_status(analysis=looked(at=minutes(3))), minutes(4), True),
        (rollout_status(analysis=looked(at=minutes(3)), awaiting="Analysis"), minutes(3.1), True),
        (rollout_status(awaiting="Analysis"), BEGAN, False),
        (rollout_status(step_started=None), minutes(9), False),
        (rollout_status(candidate=None), minutes(9), False),
        (rollout_status(stable=None), minutes(9), False),
    ],
)
def test_a_look_is_asked_for_each_interval_and_when_the_bake_is_over(
    status: ChurnModelStatus, now: datetime, asked: bool
) -> None:
    assert (look_question(KEY, spec(), status, now) is not None) is asked


def test_a_look_asks_for_each_step_by_itself_and_for_the_queries_of_the_user() -> None:
    steps = (
        StepStatus(step=0, weight=10, started=BEGAN, ended=minutes(5)),
        StepStatus(step=1, weight=50, started=minutes(6), ended=minutes(6)),
        StepStatus(step=2, weight=100, started=minutes(7)),
    )
    checks = [{"name": "errorRatio", "maximum": 0.1}, {"name": "cost", "query": "sum(cost)", "maximum": 3}]
    status = rollout_status(steps=steps, step=2, step_started=minutes(7))
    question = look_question(KEY, spec(checks=checks), status, minutes(9))
    assert question is not None
    assert question.templates == (("cost", "sum(cost)"),)
    assert question.traffic.windows == (TrafficWindow(BEGAN, minutes(5)), TrafficWindow(minutes(7), minutes(9)))
    assert (question.traffic.stable, question.traffic.candidate) == (1, 2)
    assert question.traffic.interval == timedelta(minutes=1)


def test_between_looks_the_last_one_counts_and_nothing_is_written() -> None:
    status = rollout_status(analysis=looked(Verdict.FAILED, minutes(1), failed=1))
    found = passed(spec(), status, minutes(1.5), healthy(), baked=False)
    assert found.draft.status == status
    assert (found.conclusion, told(found)) == (Conclusion.WAIT, ("False", "AnalysisFailing"))
    assert found.draft.requeue_after == timedelta(seconds=30)


def test_a_step_ends_with_a_look_of_its_own_that_is_wished_for_in_status_first() -> None:
    before = rollout_status(analysis=looked(at=minutes(4.8)))
    intent = passed(spec(), before, minutes(5), healthy(), baked=True)
    assert intent.conclusion is Conclusion.WAIT
    assert intent.draft.status.rollout.awaiting == "Analysis"
    assert intent.draft.requeue_after == timedelta(0)
    assert intent.draft.status.rollout.analysis == before.rollout.analysis
    last = passed(spec(), intent.draft.status, minutes(5), healthy(), baked=True)
    assert last.conclusion is Conclusion.PROCEED
    assert last.draft.status.rollout.awaiting is None
    held = passed(spec(), last.draft.status, minutes(5.5), healthy(), baked=True)
    assert held.conclusion is Conclusion.PROCEED, "an approval may take its time"
    assert held.draft.status == last.draft.status


def test_the_look_that_ended_one_step_does_not_end_the_next() -> None:
    status = rollout_status(step=1, step_started=minutes(5), analysis=looked(at=minutes(5), baked=True))
    found = passed(spec(), status, minutes(5.5), healthy(), baked=True)
    assert (found.conclusion, found.draft.status.rollout.awaiting) == (Conclusion.WAIT, "Analysis")


def test_a_step_that_takes_no_time_needs_no_look_of_its_own() -> None:
    status = rollout_status(step=1, step_started=minutes(5), analysis=looked(at=minutes(4), baked=True))
    assert passed(spec(), status, minutes(5), healthy(), baked=True).conclusion is Conclusion.PROCEED
    never = passed(spec(), rollout_status(), BEGAN, healthy(), baked=True)
    assert never.conclusion is Conclusion.WAIT, "something has to be seen of a candidate"
    assert never.draft.requeue_after == timedelta(0)


def test_before_a_window_has_any_length_the_wish_for_a_look_does_not_run_hot() -> None:
    status = rollout_status(awaiting="Analysis")
    found = passed(spec(), status, BEGAN, healthy(), baked=True)
    assert found.draft.requeue_after == timedelta(seconds=1)


def test_a_bake_that_began_anew_gives_up_the_wish_for_its_last_look() -> None:
    status = rollout_status(awaiting="Analysis", step_started=minutes(5), analysis=looked(at=minutes(4.9)))
    assert passed(spec(), status, minutes(5), healthy(), baked=False).draft.status.rollout.awaiting is None


def test_windows_are_not_pooled_and_an_incident_that_hits_both_versions_is_not_the_candidates_fault() -> None:
    calm = sample(requests=200, errors=0, stable_errors=0)
    storm = sample(requests=9000, errors=900, stable_errors=8100)
    found = analyse(draft_of(spec(), rollout_status(), minutes(5), Known((calm, storm))), CANDIDATE, baked=True)
    assert found.conclusion is Conclusion.PROCEED


def test_a_step_without_traffic_is_neither_looked_at_nor_counted() -> None:
    """The first step of BlueGreen: the candidate is ready beside the traffic."""
    beside = StepStatus(step=0, weight=0, started=BEGAN)
    status = rollout_status(weight=0, steps=(beside,))
    assert look_question(KEY, spec(), status, minutes(5)) is None
    assert passed(spec(), status, minutes(5), healthy(), baked=True).conclusion is Conclusion.PROCEED
    switched = (
        beside.model_copy(update={"ended": minutes(5)}),
        StepStatus(step=1, weight=100, started=minutes(5)),
    )
    later = rollout_status(step=1, weight=100, step_started=minutes(5), steps=switched)
    own = spec(checks=[{"name": "cost", "query": "sum(cost)", "maximum": 3}])
    assert look_question(KEY, own, later, minutes(5.9)) is None
    question = look_question(KEY, own, later, minutes(6))
    assert question is not None
    assert question.traffic.windows == (TrafficWindow(minutes(5), minutes(6)),)


def test_a_candidate_that_had_everything_at_once_is_judged_by_the_users_queries_only() -> None:
    """As after a stable version that failed: no window has requests of both."""
    status = rollout_status(weight=100, steps=(StepStatus(step=0, weight=100, started=BEGAN),))
    assert look_question(KEY, spec(), status, minutes(5)) is None
    assert passed(spec(), status, minutes(5), quiet(), baked=True).conclusion is Conclusion.PROCEED
    both = spec(checks=[{"name": "errorRatio"}, {"name": "cost", "query": "sum(cost)", "maximum": 3}])
    draft = draft_of(both, status, minutes(5), healthy(), {"cost": Measurement("cost", 2.0)})
    found = analyse(draft, CANDIDATE, baked=True)
    assert found.conclusion is Conclusion.PROCEED
    assert found.draft.status.rollout.analysis is not None
    assert [check.name for check in found.draft.status.rollout.analysis.checks] == ["cost"]


def test_requests_that_are_mirrored_are_traffic_to_look_at() -> None:
    shadow = StepStatus(step=0, weight=0, mirror=50, started=BEGAN)
    question = look_question(KEY, spec(), rollout_status(weight=0, mirror=50, steps=(shadow,)), minutes(5))
    assert question is not None
    assert question.traffic.windows == (TrafficWindow(BEGAN, minutes(5)),)


def test_answers_are_compared_in_the_steps_with_copies_if_spec_has_the_check() -> None:
    steps = (
        StepStatus(step=0, weight=0, mirror=50, started=BEGAN, ended=minutes(3)),
        StepStatus(step=1, weight=10, started=minutes(3)),
    )
    status = rollout_status(steps=steps, step=1, step_started=minutes(3))
    wanted = {(("disagreement", None),): [True, False], (("errorRatio", None),): [False, False]}
    wanted[(("disagreement", "my_own"), ("errorRatio", None))] = [False, False]
    for checks, compared in wanted.items():
        wish = spec(checks=[{"name": name, "query": query, "maximum": 0.1} for name, query in checks])
        question = look_question(KEY, wish, status, minutes(5))
        assert question is not None
        assert [window.compared for window in question.traffic.windows] == compared


@pytest.mark.parametrize(
    ("measurement", "verdict", "condition"),
    [
        (Measurement("cost", 2.0), Verdict.PASSED, "AnalysisPassed"),
        (Measurement("cost", 4.0), Verdict.FAILED, "AnalysisFailing"),
        (Measurement("cost", None), Verdict.INCONCLUSIVE, "AnalysisInconclusive"),
        (Unavailable("check cost: parse error"), Verdict.ERROR, "AnalysisUnavailable"),
    ],
)
def test_a_query_of_the_user_is_judged_by_its_value(
    measurement: Measurement | Unavailable, verdict: Verdict, condition: str
) -> None:
    wish = spec(checks=[{"name": "cost", "query": "sum(cost)", "maximum": 3}])
    draft = draft_of(wish, rollout_status(), minutes(5), healthy(), {"cost": measurement})
    found = analyse(draft, CANDIDATE, baked=True)
    after = found.draft.status.rollout.analysis
    assert after is not None
    assert after.verdict is verdict
    found_condition = told(found)
    assert found_condition is not None
    assert found_condition[1] == condition


def test_what_was_seen_of_another_candidate_is_not_used() -> None:
    found = analyse(
        draft_of(spec(), rollout_status(), minutes(5), failing()), version(3, VersionState.CANDIDATE), baked=False
    )
    assert found.draft.status.rollout.analysis is None


def test_the_api_knows_the_built_in_checks_by_the_same_names() -> None:
    assert tuple(BuiltIn) == BUILT_IN_CHECKS
