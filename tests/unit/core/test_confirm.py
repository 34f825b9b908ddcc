"""Hooks: intent in status, then the question, then the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelStatus
from churn_operator.api.v1alpha1.rollout import HookType
from churn_operator.api.v1alpha1.status import Confirmation, VersionState
from churn_operator.core.confirm import Confirmed, confirm, rollback_wished
from churn_operator.core.hook_calls import hooks_question
from churn_operator.core.observation import HookAnswer, Known, Unknown

from tests.unit.core.rollouts import draft_of, minutes, rollout_status, spec_of, version
from tests.unit.core.world import KEY

pytestmark = pytest.mark.unit

CANDIDATE = version(2, VersionState.CANDIDATE)
MOMENTS = (HookType.CONFIRM_ROLLOUT, HookType.CONFIRM_TRAFFIC_INCREASE, HookType.CONFIRM_PROMOTION)
YES, NO = HookAnswer(True), HookAnswer(False, "status 403: not before Monday")


def hook(name: str, moment: HookType) -> dict[str, Any]:
    return {"name": name, "type": moment.value, "url": f"http://{name}"}


def asked(moment: HookType, status: ChurnModelStatus, **answers: HookAnswer) -> Confirmed:
    """One pass with the hooks `first` and `second` of this moment."""
    wish = spec_of(hooks=[hook("first", moment), hook("second", moment)])
    return confirm(draft_of(wish, status, minutes(5), hooks=Known(answers)), moment, CANDIDATE)


@pytest.mark.parametrize("moment", MOMENTS)
def test_without_a_hook_of_this_moment_nothing_is_asked(moment: HookType) -> None:
    others = [
        hook(other.value, other) for other in (*MOMENTS, HookType.EVENT, HookType.ROLLBACK) if other is not moment
    ]
    draft = draft_of(spec_of(hooks=others), rollout_status(), minutes(5))
    found = confirm(draft, moment, CANDIDATE)
    assert (found.go, found.draft) == (True, draft)


@pytest.mark.parametrize("moment", MOMENTS)
def test_first_the_intent_then_the_question_then_the_answer(moment: HookType) -> None:
    wish = spec_of(hooks=[hook("first", moment), hook("second", moment)])
    assert hooks_question(KEY, wish, rollout_status()) is None
    intent = asked(moment, rollout_status(), first=YES, second=YES)
    assert (intent.go, intent.draft.status.rollout.awaiting) == (False, moment.value)
    assert intent.draft.requeue_after == timedelta(0)
    question = hooks_question(KEY, wish, intent.draft.status)
    assert question is not None
    assert [call.hook.name for call in question.calls] == ["first", "second"]
    answer = asked(moment, intent.draft.status, first=YES, second=YES)
    assert (answer.go, answer.draft.status.rollout.awaiting) == (True, None)
    assert answer.draft.status.rollout.confirmed == (Confirmation(type=moment, step=0),)


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_let_pass_is_not_asked_again_in_the_same_step(moment: HookType) -> None:
    status = rollout_status(confirmed=(Confirmation(type=moment, step=0),))
    found = asked(moment, status, first=NO, second=NO)
    assert (found.go, found.draft.status) == (True, status)


def test_each_step_is_asked_about_but_the_rollout_only_once() -> None:
    confirmed = tuple(Confirmation(type=moment, step=0) for moment in MOMENTS)
    status = rollout_status(step=1, confirmed=confirmed)
    assert [asked(moment, status).go for moment in MOMENTS] == [True, False, False]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"first": YES, "second": NO}, "hook second: status 403: not before Monday"),
        ({"first": NO, "second": NO}, "hook first: status 403: not before Monday; hook second: status 403"),
        ({"first": YES}, "hook second: it was not asked yet"),
        ({"first": YES, "second": HookAnswer(False)}, "hook second: it does not confirm"),
    ],
)
def test_one_hook_that_does_not_confirm_holds_the_rollout_and_is_named(
    answers: dict[str, HookAnswer], words: str
) -> None:
    status = rollout_status(awaiting="confirm-promotion")
    found = asked(HookType.CONFIRM_PROMOTION, status, **answers)
    assert (found.go, found.draft.status) == (False, status)
    assert found.message.startswith("version 2 waits for confirm-promotion: ")
    assert words in found.message
    finding = found.draft.findings[-1]
    assert (finding.type, finding.status.value, finding.reason, finding.message) == (
        ConditionType.CANARY_HEALTHY,
        "True",
        "AwaitingHook",
        found.message,
    )
    assert found.draft.requeue_after == timedelta(seconds=10)
    assert [event.reason for event in found.draft.events] == ["AwaitingHook"]


def test_before_the_candidate_has_traffic_a_hook_that_holds_says_nothing_of_its_health() -> None:
    status = rollout_status(awaiting="confirm-rollout", step_started=None, steps=())
    found = asked(HookType.CONFIRM_ROLLOUT, status, first=NO, second=YES)
    assert found.draft.findings[-1].status.value == "Unknown"


def test_hooks_that_could_not_be_asked_hold_the_rollout() -> None:
    wish = spec_of(hooks=[hook("first", HookType.CONFIRM_ROLLOUT)])
    status = rollout_status(awaiting="confirm-rollout")
    draft = draft_of(wish, status, minutes(5), hooks=Unknown("DeadlineExceeded", "no answer within 20s"))
    found = confirm(draft, HookType.CONFIRM_ROLLOUT, CANDIDATE)
    assert not found.go
    assert "hook first: no answer within 20s" in found.message


def test_a_hook_that_is_removed_while_it_holds_lets_go() -> None:
    draft = draft_of(spec_of(), rollout_status(awaiting="confirm-promotion"), minutes(5))
    found = confirm(draft, HookType.CONFIRM_PROMOTION, CANDIDATE)
    assert (found.go, found.draft.status.rollout.awaiting) == (True, None)


def test_answers_about_another_candidate_do_not_count() -> None:
    status = rollout_status(awaiting="confirm-promotion")
    wish = spec_of(hooks=[hook("first", HookType.CONFIRM_PROMOTION)])
    draft = draft_of(wish, status, minutes(5), hooks=Known({"first": YES}))
    assert not confirm(draft, HookType.CONFIRM_PROMOTION, version(3, VersionState.CANDIDATE)).go


@pytest.mark.parametrize(
    ("answers", "go", "message"),
    [
        ({"first": NO, "second": NO}, False, ""),
        ({"first": NO, "second": YES}, True, "hook second asks for it"),
        ({}, False, ""),
    ],
)
def test_one_rollback_hook_is_enough_to_turn_the_rollout_back(
    answers: dict[str, HookAnswer], go: bool, message: str
) -> None:
    wish = spec_of(hooks=[hook("first", HookType.ROLLBACK), hook("second", HookType.ROLLBACK)])
    found = rollback_wished(draft_of(wish, rollout_status(), minutes(5), hooks=Known(answers)), CANDIDATE)
    assert (found.go, found.message) == (go, message)
    assert found.draft.requeue_after == timedelta(seconds=10)


def test_a_rollback_hook_that_is_away_wishes_nothing() -> None:
    wish = spec_of(hooks=[hook("first", HookType.ROLLBACK)])
    away = Unknown("DeadlineExceeded", "no answer within 20s")
    assert not rollback_wished(draft_of(wish, rollout_status(), minutes(5), hooks=away), CANDIDATE).go


def test_without_rollback_hooks_there_is_nothing_to_look_at_again() -> None:
    found = rollback_wished(draft_of(spec_of(), rollout_status(), minutes(5)), CANDIDATE)
    assert (found.go, found.draft.requeue_after) == (False, None)


@pytest.mark.parametrize(
    ("moment", "phase"),
    [
        (HookType.CONFIRM_ROLLOUT, "Waiting"),
        (HookType.CONFIRM_TRAFFIC_INCREASE, "Progressing"),
        (HookType.CONFIRM_PROMOTION, "WaitingPromotion"),
        (HookType.ROLLBACK, "Progressing"),
    ],
)
def test_a_hook_is_told_where_the_rollout_stands(moment: HookType, phase: str) -> None:
    wish = spec_of(hooks=[hook("first", moment)])
    question = hooks_question(KEY, wish, rollout_status(awaiting=moment.value))
    assert question is not None
    (call,) = question.calls
    assert (call.key, call.phase, call.checksum) == (KEY, phase, CANDIDATE.key)
    assert dict(call.metadata) == {"stable": "1", "candidate": "2", "step": "0", "weight": "10"}


def test_between_rollouts_no_hook_is_asked() -> None:
    wish = spec_of(hooks=[hook("first", HookType.ROLLBACK)])
    assert hooks_question(KEY, wish, rollout_status(candidate=None, awaiting="confirm-rollout")) is None
