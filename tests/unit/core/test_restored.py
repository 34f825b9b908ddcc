"""Status that came from a backup, or is gone: the world has moved on, and the ChurnModel finds into it."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from tests.unit.core.world import World, in_service


def promoted_once_more(driver: str) -> tuple[World, dict[str, object]]:
    """Version 2 is in service; and the status from before it was asked for."""
    model = in_service(driver)
    before = copy.deepcopy(model.status)
    assert before is not None
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {2: 100}
    return model, before


def test_an_older_status_finds_the_model_that_was_made_since_and_rolls_it_out_again(driver: str) -> None:
    model, before = promoted_once_more(driver)
    model.status = before
    model.settle(quiet=timedelta(minutes=10))
    assert model.traffic() == {2: 100}
    assert model.model.rollout.stable == 2
    assert model.condition("Stalled") == "False UpToDate"
    assert len(model.runs) == 2, "same key, same model: nothing is trained again"
    assert {} not in model.weights_seen[1:], "somebody answered all the time"


def test_an_older_status_with_another_wish_gets_there(driver: str) -> None:
    model, before = promoted_once_more(driver)
    model.status = before
    model.change(training__seed=3)
    model.settle(quiet=timedelta(minutes=10))
    assert model.traffic() == {3: 100}
    assert model.condition("Stalled") == "False UpToDate"


def test_a_status_that_is_gone_is_made_anew_while_the_model_goes_on_answering(driver: str) -> None:
    model, _ = promoted_once_more(driver)
    model.status = None
    seen = len(model.weights_seen)
    model.settle(quiet=timedelta(minutes=10))
    assert model.traffic() == {2: 100}
    assert model.weights_seen[seen:] == []
    assert model.condition("Ready") == "True InService"
    assert len(model.runs) == 2


def test_a_status_that_is_gone_and_another_wish_leave_in_service_what_is_until_the_new_version_answers(
    driver: str,
) -> None:
    model, _ = promoted_once_more(driver)
    model.status = None
    model.change(training__seed=3)
    seen = len(model.weights_seen)
    model.settle(quiet=timedelta(minutes=10))
    assert model.weights_seen[seen:] == [{3: 100}], "from the one to the other, with nobody in between"
    assert model.model.rollout.stable == (1 if driver == "knative" else 3), "what names versions has a 2 already"
    assert model.condition("Stalled") == "False UpToDate"


@pytest.mark.parametrize("driver", ["gateway", "canary"])
def test_no_version_gets_a_number_while_nobody_can_tell_which_are_taken(driver: str) -> None:
    model, _ = promoted_once_more(driver)
    model.status, model.kserve_down = None, True
    model.settle(quiet=timedelta(minutes=1))
    assert model.model.versions == ()
    assert model.condition("Trained") == "Unknown KServeUnavailable"
    model.kserve_down = False
    model.settle(quiet=timedelta(minutes=10))
    assert model.traffic() == {2: 100}
    assert [version.number for version in model.model.versions] == [2], "its own again, and nothing is started anew"


@pytest.mark.parametrize("replicas", [1, 2])
def test_settings_that_changed_since_the_backup_are_no_obstacle(driver: str, replicas: int) -> None:
    model, before = promoted_once_more(driver)
    model.change(serving__min_replicas=replicas)
    model.settle()
    model.status = before
    model.settle(quiet=timedelta(minutes=10))
    assert model.traffic() == {2: 100}
    assert model.condition("Stalled") == "False UpToDate"
