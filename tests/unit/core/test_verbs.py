"""Wishes by annotation: approve, pause, resume, abort, promote and retry, each heeded once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from churn_operator.api.v1alpha1.status import VersionState
from churn_operator.core.verbs import ABOUT_CANDIDATE, Verb

from tests.unit.core.kserve_world import ServingPlan
from tests.unit.core.world import Ending, ModelPlan, World, in_service, world

BREAKS = ModelPlan(serving=ServingPlan(breaks_after=timedelta(minutes=1)))
NEVER_READY = ModelPlan(serving=ServingPlan(start=None))
POOR = ModelPlan(area=0.75)
APPROVALS = [
    {"weight": 10, "bake": "90s", "approval": True},
    {"weight": 50, "bake": "90s"},
    {"weight": 100, "bake": "30s", "approval": True},
]


def states(model: World) -> list[str]:
    return [f"{version.number} {version.state.value}" for version in model.model.versions]


def on_its_way(driver: str, weight: int = 10, **changes: Any) -> World:
    """Version 2 (seed 2) has this percent of the traffic."""
    model = in_service(driver, **changes)
    model.change(training__seed=2)
    return model.until(lambda one: one.traffic().get(2) == weight)


def ignored(model: World) -> list[str]:
    return [event.message for event in model.events if event.reason == "AnnotationIgnored"]


# Approval


def test_a_step_that_asks_for_approval_waits_for_it_after_its_bake_and_says_so_once(driver: str) -> None:
    model = on_its_way(driver, rollout__steps=APPROVALS)
    model.settle(quiet=timedelta(hours=1))
    assert model.traffic() == {1: 90, 2: 10}
    assert model.condition("CanaryHealthy") == "True AwaitingApproval"
    assert model.condition("Reconciling") == "True AwaitingApproval"
    assert model.condition("Stalled") == "False Progressing"
    assert "churnops.dev/approve=2" in model.message("CanaryHealthy")
    assert model.model.rollout.awaiting == "Approval"
    assert model.reasons().count("ApprovalNeeded") == 1


@pytest.mark.parametrize("value", ["2", "2026-03-01T13:00:00Z", "1772366400"], ids=["version", "time", "seconds"])
def test_an_approved_step_leads_to_the_next_one_and_each_step_is_approved_by_itself(driver: str, value: str) -> None:
    model = on_its_way(driver, rollout__steps=APPROVALS)
    model.settle()
    model.annotate(approve=value)
    model.settle()
    assert model.traffic() == {2: 100}
    assert model.condition("CanaryHealthy") == "True AwaitingApproval"
    assert model.model.rollout.stable == 1
    model.annotate(approve=f"{value} again")
    model.settle()
    assert states(model) == ["1 Superseded", "2 Stable"]
    assert model.reasons().count("ApprovalNeeded") == model.reasons().count("Approved") == 2
    assert model.condition("Reconciling") == "False UpToDate"


def test_a_step_may_be_approved_before_its_bake_is_over_which_it_still_takes(driver: str) -> None:
    model = on_its_way(driver, rollout__steps=APPROVALS)
    began = model.now
    model.annotate(approve="2")
    model.until(lambda one: one.traffic().get(2) == 50)
    assert model.now - began >= timedelta(seconds=80)
    assert "ApprovalNeeded" not in model.reasons()


def test_an_approval_for_a_step_that_asks_for_none_is_ignored_and_does_not_count_later(driver: str) -> None:
    steps = [{"weight": 10, "bake": "30s"}, {"weight": 50, "bake": "30s", "approval": True}]
    model = on_its_way(driver, rollout__steps=steps)
    model.annotate(approve="2")
    model.settle()
    assert model.traffic() == {1: 50, 2: 50}
    assert ignored(model) == ["churnops.dev/approve=2 is ignored: step 1/3 asks for no approval"]


def test_an_approval_of_another_version_does_not_count(driver: str) -> None:
    model = on_its_way(driver, rollout__steps=APPROVALS)
    model.annotate(approve="1")
    model.settle()
    assert model.traffic() == {1: 90, 2: 10}
    assert ignored(model) == ["churnops.dev/approve=1 is ignored: version 1 is not on its way into service"]


def test_a_verb_for_a_version_that_is_still_to_come_waits_for_it(driver: str) -> None:
    model = in_service(driver, rollout__steps=APPROVALS)
    model.annotate(approve="2")
    model.settle()
    assert "approve" not in model.model.consumed
    model.change(training__seed=2)
    model.settle()
    assert model.traffic() == {2: 100}
    assert model.model.consumed == {"approve": "2"}
    assert not ignored(model)


def test_a_candidate_that_fails_while_it_waits_for_approval_is_rolled_back(driver: str) -> None:
    model = in_service(driver, rollout__steps=APPROVALS)
    model.plans[2] = ModelPlan(serving=ServingPlan(breaks_after=timedelta(minutes=5)))
    model.change(training__seed=2)
    model.until(lambda one: one.condition("CanaryHealthy") == "True AwaitingApproval")
    model.settle(quiet=timedelta(minutes=10))
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 RolledBack"]


# Once


@pytest.mark.parametrize("verb", list(Verb))
def test_a_verb_with_nothing_to_act_on_is_ignored_once_with_a_warning(driver: str, verb: Verb) -> None:
    model = in_service(driver)
    before = model.model
    model.annotate(**{verb.value: "now"})
    model.settle()
    assert len(ignored(model)) == 1
    assert f"churnops.dev/{verb}=now" in ignored(model)[0]
    assert model.model.consumed == {verb.value: "now"}
    assert model.model.model_copy(update={"consumed": {}}) == before


@pytest.mark.parametrize("verb", [verb for verb in ABOUT_CANDIDATE if verb is not Verb.RESUME])
def test_a_verb_that_was_heeded_says_nothing_about_the_next_candidate(driver: str, verb: Verb) -> None:
    model = on_its_way(driver, rollout__steps=[{"weight": 10, "bake": "1m", "approval": True}])
    model.annotate(**{verb.value: "now"})
    model.until(lambda one: "now" in one.model.consumed.values())
    model.change(training__seed=3)
    model.until(lambda one: one.model.rollout.candidate == 3)
    model.settle()
    assert model.traffic() == {model_seed(model): 90, 3: 10}
    assert model.condition("Reconciling") == "True AwaitingApproval"
    assert not ignored(model)


def model_seed(model: World) -> int:
    stable = model.model.version(model.model.rollout.stable)
    assert stable is not None
    return model.seed_of(stable.model_uri)


def test_a_value_of_any_length_is_remembered_in_little_space(driver: str) -> None:
    model = on_its_way(driver)
    model.annotate(pause="x" * 10_000)
    model.settle()
    assert model.model.rollout.paused
    assert len(model.model.consumed["pause"]) == 64
    assert model.reasons().count("Paused") == 1


def test_a_verb_waits_while_the_object_is_suspended(driver: str) -> None:
    model = on_its_way(driver)
    model.change(suspend=True)
    model.settle()
    model.annotate(abort="2")
    model.settle()
    assert model.model.rollout.candidate == 2
    model.change(suspend=False)
    model.settle()
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_nothing_is_at_hand_while_a_version_is_pinned(driver: str) -> None:
    model = on_its_way(driver)
    model.change(rollback_to=1)
    model.annotate(promote="now", retry="now", abort="2")
    model.settle()
    assert len(ignored(model)) == 2
    assert model.model.version(2).state is VersionState.CANDIDATE
    model.change(rollback_to=None)
    model.settle()
    assert states(model) == ["1 Stable", "2 RolledBack"], "an abort of version 2 waits until it is on its way again"


# Pause and resume


@pytest.mark.parametrize("weight", [10, 50])
def test_a_paused_rollout_goes_no_further_until_it_is_resumed(driver: str, weight: int) -> None:
    model = on_its_way(driver, weight)
    model.annotate(pause="2")
    model.settle(quiet=timedelta(hours=2))
    assert model.traffic() == {1: 100 - weight, 2: weight}
    assert model.condition("Reconciling") == "True Paused"
    assert "churnops.dev/resume=2" in model.message("Reconciling")
    assert model.condition("Ready") == "True InService"
    model.annotate(resume="2")
    model.settle()
    assert model.traffic() == {2: 100}
    assert states(model) == ["1 Superseded", "2 Stable"]
    assert model.reasons().count("Paused") == model.reasons().count("Resumed") == 1


def test_a_rollout_paused_at_100_percent_is_not_promoted(driver: str) -> None:
    model = on_its_way(driver, 100, rollout__steps=[{"weight": 100, "bake": "5m"}])
    model.annotate(pause="2")
    model.settle(quiet=timedelta(hours=1))
    assert model.model.rollout.stable == 1
    model.annotate(resume="2")
    model.settle()
    assert model.model.rollout.stable == 2


def test_a_rollout_paused_before_its_first_traffic_gets_its_first_share_only(driver: str) -> None:
    model = in_service(driver)
    model.annotate(pause="2")
    model.change(training__seed=2)
    model.settle(quiet=timedelta(hours=1))
    assert model.traffic() == {1: 90, 2: 10}
    assert model.model.consumed == {"pause": "2"}


def test_a_paused_candidate_that_fails_is_still_rolled_back(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    model.until(lambda one: one.traffic().get(2) == 10)
    model.annotate(pause="2")
    model.settle()
    assert model.traffic() == {1: 100}
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_steps_and_strategy_edited_during_a_pause_wait_for_its_end(driver: str) -> None:
    model = on_its_way(driver)
    model.annotate(pause="2")
    model.settle()
    model.change(rollout__steps=[], rollout__strategy="Immediate", rollout__bake="0s")
    model.settle(quiet=timedelta(hours=1))
    assert model.traffic() == {1: 90, 2: 10}
    model.annotate(resume="2")
    model.settle()
    assert model.traffic() == {2: 100}


def test_serving_settings_still_reach_a_paused_rollout(driver: str) -> None:
    model = on_its_way(driver)
    model.annotate(pause="2")
    model.change(serving__max_replicas=4)
    model.settle()
    assert model.traffic() == {1: 90, 2: 10}
    seen = model.serving.observe(model.now)
    assert seen is not None
    assert "max_replicas=4" in repr(seen)
    assert "max_replicas=None" not in repr(seen) or driver == "canary"


def test_another_version_takes_the_place_of_a_paused_one_and_is_not_paused(driver: str) -> None:
    model = on_its_way(driver)
    model.annotate(pause="2")
    model.settle()
    model.change(training__seed=3)
    model.settle()
    assert model.traffic() == {3: 100}
    assert states(model) == ["1 Superseded", "2 Superseded", "3 Stable"]


# Abort


@pytest.mark.parametrize("weight", [10, 50, 100])
def test_an_aborted_rollout_gives_the_stable_version_everything_and_is_not_tried_again(
    driver: str, weight: int
) -> None:
    model = on_its_way(driver, weight, rollout__steps=[{"weight": each, "bake": "5m"} for each in (10, 50, 100)])
    model.weights_seen.clear()
    model.annotate(abort="2")
    model.settle()
    assert model.weights_seen[-1] == {1: 100}
    assert states(model) == ["1 Stable", "2 RolledBack"]
    assert model.condition("Stalled") == "True Aborted"
    assert model.condition("CanaryHealthy") == "False Aborted"
    assert model.condition("Ready") == "True InService"
    model.generation += 1
    model.advance(timedelta(days=1))
    model.settle()
    assert model.traffic() == {1: 100}


def test_a_first_version_that_is_aborted_before_it_is_ready_is_withdrawn(driver: str) -> None:
    new = world(driver)
    new.until(lambda one: one.model.rollout.candidate == 1 and one.serving.observe(one.now) is not None)
    new.annotate(abort="1")
    new.settle()
    assert new.serving.observe(new.now) is None
    assert new.condition("Stalled") == "True Aborted"


def test_an_abort_moves_the_traffic_before_other_settings_follow() -> None:
    model = on_its_way("gateway", 50)
    model.annotate(abort="2")
    model.change(serving__max_replicas=7)
    model.until(lambda one: one.traffic() == {1: 100})
    assert "max_replicas=7" not in repr(model.serving.observe(model.now))
    model.settle()
    assert "max_replicas=7" in repr(model.serving.observe(model.now))


def test_an_abort_in_advance_keeps_the_version_from_any_traffic(driver: str) -> None:
    model = in_service(driver)
    model.weights_seen.clear()
    model.annotate(abort="2")
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert states(model) == ["1 Stable", "2 RolledBack"]


def test_of_two_verbs_at_once_the_more_careful_one_counts(driver: str) -> None:
    model = on_its_way(driver)
    model.annotate(promote="2", abort="2")
    model.settle()
    assert states(model) == ["1 Stable", "2 RolledBack"]
    model.annotate(retry="2")
    model.until(lambda one: one.traffic().get(2) == 10)
    model.annotate(resume="now", promote="now", pause="now")
    model.settle(quiet=timedelta(hours=1))
    assert model.traffic() == {1: 90, 2: 10}
    assert model.condition("Reconciling") == "True Paused"


# Promote


def test_promotion_now_skips_the_steps_their_bakes_and_approvals(driver: str) -> None:
    model = on_its_way(driver, rollout__steps=[{"weight": each, "bake": "24h", "approval": True} for each in (10, 90)])
    model.weights_seen.clear()
    began = model.now
    model.annotate(promote="2")
    model.settle()
    assert model.weights_seen == [{1: 90, 2: 10}, {2: 100}]
    assert states(model) == ["1 Superseded", "2 Stable"]
    assert model.model.versions[1].promoted - began < timedelta(minutes=1)


def test_promotion_now_waits_for_the_candidate_to_be_ready(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = ModelPlan(serving=ServingPlan(start=timedelta(seconds=100)))
    model.weights_seen.clear()
    model.annotate(promote="2")
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}, {2: 100}]


def test_promotion_now_of_a_candidate_that_never_gets_ready_is_rolled_back_in_time(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = NEVER_READY
    model.weights_seen.clear()
    model.annotate(promote="2")
    model.change(training__seed=2)
    model.settle()
    assert model.weights_seen == [{1: 100}]
    assert model.condition("Stalled") == "True ProgressDeadlineExceeded"


def test_promotion_now_ends_a_pause(driver: str) -> None:
    model = on_its_way(driver)
    model.annotate(pause="2")
    model.settle()
    model.annotate(promote="2")
    model.settle()
    assert states(model) == ["1 Superseded", "2 Stable"]


# Retry


def test_a_version_that_was_rolled_back_is_tried_again_without_training(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    model.settle()
    assert states(model) == ["1 Stable", "2 RolledBack"]
    model.plans[2] = ModelPlan()
    if driver == "gateway":
        model.until(lambda one: len(one.serving.services) == 1)  # type: ignore[union-attr]
    model.annotate(retry="2")
    model.settle()
    assert model.traffic() == {2: 100}
    assert model.run_names() == ["1/1", "2/1"]
    assert states(model) == ["1 Superseded", "2 Stable"]
    assert model.model.rejected_keys == ()
    assert model.condition("Stalled") == "False UpToDate"
    assert model.reasons().count("Retried") == 1


def test_a_version_that_fails_again_after_a_retry_is_rejected_again(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    model.settle()
    model.annotate(retry="once more")
    model.settle()
    assert states(model) == ["1 Stable", "2 RolledBack"]
    assert model.traffic() == {1: 100}
    assert model.reasons().count("RolledBack") == 2
    assert [rejected.key for rejected in model.model.rejected_keys] == [model.model.versions[1].key]


def test_a_version_that_the_gate_refused_is_judged_once_more_by_the_same_thresholds(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = POOR
    model.change(training__seed=2)
    model.settle()
    model.annotate(retry="2")
    model.settle()
    assert states(model) == ["1 Stable", "2 Rejected"]
    assert model.condition("Stalled") == "True GateRejected"
    assert model.reasons().count("GateRejected") == 2
    assert model.run_names() == ["1/1", "2/1"]
    assert not ignored(model)


@pytest.mark.parametrize("ending", [Ending.FAILS, Ending.REFUSES])
def test_a_failed_training_is_tried_again_under_a_new_name(driver: str, ending: Ending) -> None:
    model = in_service(driver, training__retries=0)
    model.plans[2] = ModelPlan(endings=(ending, Ending.SUCCEEDS))
    model.change(training__seed=2)
    model.settle()
    assert model.condition("Stalled").startswith("True")
    key = model.model.training.key
    model.annotate(retry=key)
    model.settle()
    assert model.run_names() == ["1/1", "2/1", "2/2"]
    assert model.traffic() == {2: 100}
    assert model.model.consumed == {"retry": key}


def test_a_retry_ends_the_pause_between_two_attempts(driver: str) -> None:
    model = in_service(driver)
    model.plans[2] = ModelPlan(endings=(Ending.FAILS, Ending.FAILS, Ending.SUCCEEDS), duration=timedelta(seconds=3))
    model.change(training__seed=2)
    model.until(lambda one: one.run_names() == ["1/1", "2/1", "2/2"])
    model.until(lambda one: one.condition("Reconciling") == "True BackingOff")
    waiting = model.now
    model.annotate(retry="now")
    model.until(lambda one: "2/3" in one.run_names())
    assert model.now - waiting < timedelta(seconds=10)


@pytest.mark.parametrize(
    ("value", "why"),
    [("1", "version 1 is not the one that spec asks for"), ("abcdef0123456789", "spec asks for the training key")],
)
def test_a_retry_of_something_else_is_ignored(driver: str, value: str, why: str) -> None:
    model = in_service(driver)
    model.plans[2] = BREAKS
    model.change(training__seed=2)
    model.settle()
    model.annotate(retry=value)
    model.settle()
    assert states(model) == ["1 Stable", "2 RolledBack"]
    assert why in ignored(model)[0]
