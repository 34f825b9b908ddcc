"""Which buttons there are, and what each sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from churn_operator.api.v1alpha1.rollout import Rollout
from churn_operator.core.steps import steps_of as operators_steps
from churn_webapp.errors import Conflict, InvalidRequest
from churn_webapp.story.actions import (
    Action,
    annotation_value,
    offers,
    parse_value,
    require_offered,
    rollback_offers,
)
from churn_webapp.story.churn_model import ChurnModel

from tests.unit.webapp.objects import CREATED, canary, churn_model, version

NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
STALLED = {"type": "Stalled", "status": "True", "reason": "GateRejected", "message": "version 2 is not served"}


def actions_of(item: dict[str, Any]) -> list[str]:
    return [offer.action.value for offer in offers(ChurnModel.parse(item))]


def test_nothing_can_be_done_about_a_model_at_rest() -> None:
    assert actions_of(churn_model()) == []


def test_a_canary_can_be_approved_paused_promoted_and_aborted() -> None:
    assert actions_of(canary()) == ["approve", "pause", "promote", "abort"]


def test_approval_is_urgent_once_the_rollout_waits_for_it() -> None:
    waiting = offers(ChurnModel.parse(canary(awaiting="Approval")))[0]
    assert (waiting.action, waiting.urgent) == (Action.APPROVE, True)
    assert not offers(ChurnModel.parse(canary()))[0].urgent


@pytest.mark.parametrize("rollout", [{"approved": 0}, {"step": 1}])
def test_no_approval_is_offered_where_none_is_asked_for(rollout: dict[str, Any]) -> None:
    assert "approve" not in actions_of(canary(**rollout))


def test_a_paused_rollout_can_be_resumed_and_not_paused() -> None:
    assert actions_of(canary(paused=True)) == ["approve", "resume", "promote", "abort"]


def test_a_promotion_under_way_is_not_offered_again() -> None:
    assert "promote" not in actions_of(canary(promoting=True))


def test_what_was_refused_can_be_tried_again() -> None:
    assert actions_of(churn_model(status={"conditions": [STALLED]})) == ["retry"]


def test_a_pin_can_be_removed_and_is_all_that_counts() -> None:
    item = canary()
    item["spec"]["rollbackTo"] = 1
    assert actions_of(item) == ["unpin"]


def test_a_suspended_model_offers_nothing() -> None:
    item = canary()
    item["spec"]["suspend"] = True
    assert actions_of(item) == []


@pytest.mark.parametrize("strategy", ["Canary", "BlueGreen", "Immediate"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    "steps",
    [[], [{"weight": 30}], [{"weight": 20, "shadow": True}, {"weight": 100}], [{"weight": 100, "shadow": True}]],
)
def test_the_steps_are_those_that_the_operator_takes(strategy: str, first: bool, steps: list[dict[str, Any]]) -> None:
    rollout = {"strategy": strategy, "steps": steps if strategy == "Canary" else [], "bake": "2m"}
    item = canary(**({"stable": None} if first else {}))
    item["spec"]["rollout"] = rollout
    mine = [(0, step.weight) if step.shadow else (step.weight, 0) for step in ChurnModel.parse(item).steps]
    theirs = operators_steps(Rollout.model_validate(rollout), first)
    assert mine == [(step.weight, step.mirror) for step in theirs]


def test_a_first_rollout_asks_for_no_approval() -> None:
    assert "approve" not in actions_of(canary(stable=None))


def test_only_versions_that_were_in_service_can_be_gone_back_to() -> None:
    versions = [
        version(1, "Superseded", promoted=CREATED),
        version(2, "Rejected"),
        version(3, "Stable", promoted=CREATED),
    ]
    model = ChurnModel.parse(churn_model(status={"versions": versions, "rollout": {"stable": 3}}))
    assert set(rollback_offers(model)) == {1}


def test_the_number_is_sent_and_where_it_was_heeded_before_the_time() -> None:
    fresh, item = ChurnModel.parse(canary()), canary()
    item["status"]["consumed"] = {"pause": "2"}
    assert annotation_value(fresh, Action.PAUSE, 2, NOW) == "2"
    assert annotation_value(ChurnModel.parse(item), Action.PAUSE, 2, NOW) == "2026-11-26T12:30:00.000000Z"
    assert annotation_value(ChurnModel.parse(item), Action.ABORT, 2, NOW) == "2"


def test_a_retry_is_about_no_version() -> None:
    assert annotation_value(ChurnModel.parse(canary()), Action.RETRY, 2, NOW).startswith("2026")


def test_nobody_approves_what_they_have_not_seen() -> None:
    model = ChurnModel.parse(canary())
    require_offered(model, Action.APPROVE, 2)
    with pytest.raises(Conflict, match="Version 1 cannot be asked for “approve” any more, so nothing was done"):
        require_offered(model, Action.APPROVE, 1)


@pytest.mark.parametrize("value", ["", "approve", "approve:", "approve:x", "delete:1", "approve:-1", "approve:²"])
def test_a_forged_value_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_value(value)


def test_every_offer_can_be_read_back() -> None:
    for offer in offers(ChurnModel.parse(canary())):
        assert parse_value(offer.value) == (offer.action, 2)
