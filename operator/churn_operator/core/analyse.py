"""The analysis of live traffic as a part of the rollout: look when it is due, remember, conclude."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus
from churn_operator.api.v1alpha1.rollout import Analysis, OnInconclusive
from churn_operator.api.v1alpha1.status import AnalysisStatus, Verdict, Version
from churn_operator.core.analysis import Conclusion, Unavailable, conclusion, look_at, remembered
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.live_questions import AWAITING_ANALYSIS, applicable, is_due, until_next
from churn_operator.core.observation import NOT_ASKED, Unknown

_A_MOMENT = timedelta(seconds=1)
"""Until a step that has just begun has a window to look at: times in status have no fractions."""


@dataclass(frozen=True)
class Analysed:
    """What the analysis leads to. `reason` and `message` say why where that is a rollback."""

    draft: Draft
    conclusion: Conclusion
    reason: str = ""
    message: str = ""


def analyse(draft: Draft, candidate: Version, baked: bool) -> Analysed:
    """Go on only after a look that passed, or that onInconclusive accepts; roll back after failureLimit failed ones.

    A look is taken each interval from the step on in which the candidate first has traffic, and once more when the
    bake of a step is over (`baked`): the step lasts until then. Each look is one status write. Where no analysis is
    applicable there is nothing to wait for.
    """
    analysis = applicable(draft.spec.rollout.analysis, draft.status.rollout)
    if analysis is None:
        return Analysed(draft, Conclusion.PROCEED)
    if draft.status.rollout.step_started is None:
        return Analysed(draft, Conclusion.WAIT)
    draft = _look(draft, analysis, candidate, baked)
    looked = draft.status.rollout.analysis
    fresh = looked is not None and _is_last_word(draft, looked)
    concluded = conclusion(analysis, looked, baked and fresh)
    draft = _schedule(draft, analysis, waits_for_look=baked and not fresh)
    if looked is None:
        return Analysed(draft, concluded)
    message = _sentences(looked)
    if concluded is not Conclusion.ROLL_BACK:
        return Analysed(_say(draft, candidate, looked, message), concluded, message=message)
    if looked.failed < analysis.failure_limit:
        return Analysed(draft, concluded, "AnalysisInconclusive", f"{message}; onInconclusive is Rollback")
    why = message if looked.verdict is Verdict.FAILED else f"failureLimit is {analysis.failure_limit}"
    return Analysed(draft, concluded, "AnalysisFailed", f"{looked.failed} looks at its traffic failed: {why}")


def _look(draft: Draft, analysis: Analysis, candidate: Version, baked: bool) -> Draft:
    """Take the look that this pass asked for, if it asked for one."""
    observation = draft.observation
    observed = observation.subject.status.rollout
    asked = observation.traffic is not NOT_ASKED and is_due(observed, analysis, draft.now)
    if not asked or observed.candidate != candidate.number:
        return draft
    seen = observation.traffic
    traffic = Unavailable(seen.message) if isinstance(seen, Unknown) else seen.value
    look = look_at(analysis, traffic, observation.measurements)
    before = draft.status.rollout.analysis
    after = remembered(before, look, draft.now).model_copy(update={"baked": baked})
    return _announce(_with_rollout(draft, analysis=after), candidate, before, after, analysis)


def _is_last_word(draft: Draft, looked: AnalysisStatus) -> bool:
    """Whether nothing more can be learnt of the step: the look came after its bake, or the step took no time."""
    started = draft.status.rollout.step_started
    if started is None or started >= draft.now:
        return True
    return looked.baked and looked.last_run > started


def _schedule(draft: Draft, analysis: Analysis, waits_for_look: bool) -> Draft:
    """Have the next look taken, at the end of a bake at once: the wish for it stands in status first."""
    rollout = draft.status.rollout
    draft = draft.look_again(max(until_next(rollout, analysis, draft.now), _A_MOMENT))
    if not waits_for_look:
        return _with_rollout(draft, awaiting=None) if rollout.awaiting == AWAITING_ANALYSIS else draft
    wished = draft.observation.subject.status.rollout.awaiting == AWAITING_ANALYSIS
    return _with_rollout(draft, awaiting=AWAITING_ANALYSIS).look_again(_A_MOMENT if wished else AT_ONCE)


def _say(draft: Draft, candidate: Version, looked: AnalysisStatus, message: str) -> Draft:
    name = f"version {candidate.number}"
    match looked.verdict:
        case Verdict.PASSED:
            told = ConditionStatus.TRUE, "AnalysisPassed", f"{name}: {message}"
        case Verdict.INCONCLUSIVE:
            told = ConditionStatus.TRUE, "AnalysisInconclusive", f"nothing speaks against {name} so far: {message}"
        case Verdict.FAILED:
            told = ConditionStatus.FALSE, "AnalysisFailing", f"{name} fails, {looked.failed} looks so far: {message}"
        case Verdict.ERROR:
            told = ConditionStatus.UNKNOWN, "AnalysisUnavailable", f"{name} cannot be analysed: {message}"
    return draft.find(ConditionType.CANARY_HEALTHY, *told)


def _announce(
    draft: Draft, candidate: Version, before: AnalysisStatus | None, after: AnalysisStatus, analysis: Analysis
) -> Draft:
    """An event for each look that failed, and for the first of those in a row that hold the rollout up."""
    name, message = f"version {candidate.number}", _sentences(after)
    repeated = before is not None and before.verdict is after.verdict
    match after.verdict:
        case Verdict.FAILED:
            count = f"look {after.failed} of {analysis.failure_limit} that may fail"
            return draft.warn("AnalysisFailing", f"{name}, {count}: {message}")
        case Verdict.ERROR if not repeated:
            return draft.warn("AnalysisUnavailable", f"{name} waits, as it cannot be analysed: {message}")
        case Verdict.INCONCLUSIVE if after.baked and analysis.on_inconclusive is OnInconclusive.HOLD:
            held_before = repeated and before is not None and before.baked
            return draft if held_before else draft.tell("AnalysisInconclusive", f"{name} waits: {message}")
        case _:
            return draft


def _sentences(looked: AnalysisStatus) -> str:
    """The sentences of the checks that decided the verdict, or of all where none could be made."""
    deciding = [check for check in looked.checks if check.verdict is looked.verdict]
    return "; ".join(f"{check.name}: {check.message}" for check in deciding or looked.checks)


def _with_rollout(draft: Draft, **changes: Any) -> Draft:
    return draft.with_status(rollout=draft.status.rollout.model_copy(update=changes))
