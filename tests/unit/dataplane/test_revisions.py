"""The state machine of a service, without processes: what KServe's and Knative's controllers compute."""

from __future__ import annotations

from typing import Any

import pytest
from churn_devcluster.dataplane import revisions
from churn_devcluster.dataplane.model import (
    DeploymentMode,
    Failure,
    Phase,
    Pod,
    Service,
    Template,
    TransitionStatus,
)

READY = Pod(phase=Phase.READY, port=15001)
BROKEN = Pod(phase=Phase.FAILED, failure=Failure(message="corrupt", exit_code=3))


def template(uri: str, minimum_replicas: int = 1, labels: dict[str, str] | None = None) -> Template:
    return Template(
        labels=labels or {},
        annotations={},
        predictor={"minReplicas": minimum_replicas, "model": {"storageUri": uri}},
        runtime="churn",
        runtime_container={},
    )


class World:
    """Applies specs and observations, and passes until nothing moves, as the controller does."""

    def __init__(self, mode: DeploymentMode = DeploymentMode.KNATIVE) -> None:
        self.service = Service(namespace="n", name="m", uid="u", mode=mode)
        self._wished: tuple[Template, int | None] | None = None

    def apply(self, uri: str, percent: int | None = None, **changes: Any) -> World:
        self._wished = (template(uri, **changes), percent)
        return self.settle()

    def observe(self, number: int, pod: Pod | None) -> World:
        self.service = revisions.observe(self.service, f"m-predictor-{number:05d}", pod)
        return self.settle()

    def settle(self) -> World:
        assert self._wished is not None
        for _ in range(10):
            before = self.service
            service = revisions.apply_spec(before, *self._wished)
            service = revisions.record_traffic(service, revisions.shares_in_force(service))
            self.service = revisions.record_model(service)
            if self.service == before:
                return self
        raise AssertionError("no fixpoint")

    @property
    def traffic(self) -> list[tuple[int, int]]:
        return [(_number(share.revision_name), share.percent) for share in self.service.effective]

    @property
    def rolled_out(self) -> tuple[int, int]:
        return _number(self.service.latest_rolled_out), _number(self.service.previous_rolled_out)

    @property
    def transition(self) -> TransitionStatus:
        return self.service.model.transition


def _number(name: str) -> int:
    return int(name.rsplit("-", 1)[-1]) if name else 0


def rolled_out(*uris: str) -> World:
    """A world in which each URI was rolled out in turn."""
    world = World()
    for number, uri in enumerate(uris, start=1):
        world.apply(uri).observe(number, READY)
    return world


def test_nothing_is_routed_before_the_first_revision_is_ready() -> None:
    world = World().apply("a", 10)
    assert (world.traffic, world.transition) == ([], TransitionStatus.IN_PROGRESS)
    assert not revisions.is_ready(world.service)


def test_the_first_rollout_gets_everything_whatever_the_percentage() -> None:
    world = World().apply("a", 10).observe(1, READY)
    assert sum(percent for _, percent in world.traffic) == 100
    assert {number for number, _ in world.traffic} == {1}
    assert world.rolled_out == (1, 0)
    assert world.transition is TransitionStatus.UP_TO_DATE


def test_the_same_spec_makes_no_revision() -> None:
    world = rolled_out("a")
    before = world.service
    assert world.apply("a").service == before


@pytest.mark.parametrize("change", [{"labels": {"run": "1"}}, {"minimum_replicas": 2}])
def test_any_other_change_makes_a_revision(change: dict[str, Any]) -> None:
    assert rolled_out("a").apply("a", **change).service.created == 2


def test_a_percentage_alone_makes_none() -> None:
    world = rolled_out("a", "b").apply("b", 10)
    assert world.service.created == 2


def test_an_old_uri_makes_another_revision() -> None:
    assert rolled_out("a", "b", "a").service.created == 3


def test_traffic_stays_with_the_good_revision_until_the_candidate_is_ready() -> None:
    world = rolled_out("a").apply("b", 10)
    assert world.traffic == [(1, 10), (1, 90)]
    assert world.observe(2, Pod(phase=Phase.STARTING)).traffic == [(1, 10), (1, 90)]
    assert world.observe(2, READY).traffic == [(2, 10), (1, 90)]


def test_the_stable_revision_is_kept_through_all_steps() -> None:
    world = rolled_out("a").apply("b", 10).observe(2, READY)
    assert world.apply("b", 50).traffic == [(2, 50), (1, 50)]
    assert world.rolled_out == (1, 0)


@pytest.mark.parametrize("percent", [None, 100])
def test_omission_and_100_promote(percent: int | None) -> None:
    world = rolled_out("a").apply("b", 10).observe(2, READY).apply("b", percent)
    assert world.traffic == [(2, 100)]
    assert world.rolled_out == (2, 1)


def test_a_new_uri_without_percentage_goes_straight_to_everything() -> None:
    world = rolled_out("a").apply("b")
    assert world.traffic == [(1, 100)]
    assert world.observe(2, READY).traffic == [(2, 100)]


def test_zero_in_a_canary_sends_everything_to_the_stable_revision() -> None:
    world = rolled_out("a").apply("b", 10).observe(2, READY).apply("b", 0)
    assert world.traffic == [(2, 0), (1, 100)]
    assert world.rolled_out == (1, 0)


def test_zero_after_a_promotion_goes_back_one_level_and_no_further() -> None:
    world = rolled_out("a", "b", "c").observe(2, None).apply("c", 0)
    assert world.traffic == [(3, 0), (3, 100)], "the revision before has no server yet"
    assert "m-predictor-00002" in revisions.needed(world.service)
    world.observe(2, READY)
    assert world.traffic == [(3, 0), (2, 100)]
    assert world.rolled_out == (2, 2)


def test_zero_after_the_first_rollout_changes_nothing_for_there_is_no_level_below() -> None:
    world = rolled_out("a").apply("a", 0)
    assert {number for number, _ in world.traffic} == {1}


@pytest.mark.parametrize("percent", [150, -10])
def test_a_percentage_outside_0_to_100_updates_nothing(percent: int) -> None:
    world = rolled_out("a")
    with pytest.raises(revisions.TrafficRefusedError):
        revisions.apply_spec(world.service, template("b"), percent)


def test_a_broken_candidate_blocks_and_its_failure_sticks() -> None:
    world = rolled_out("a").apply("b", 10).observe(2, BROKEN)
    assert world.traffic == [(1, 10), (1, 90)]
    assert world.transition is TransitionStatus.BLOCKED_BY_FAILED_LOAD
    assert (world.service.model.active, world.service.model.target) == ("Loaded", "FailedToLoad")
    assert not revisions.is_ready(world.service)
    # It starts again, which is no recovery.
    world.observe(2, Pod(phase=Phase.STARTING))
    assert world.transition is TransitionStatus.BLOCKED_BY_FAILED_LOAD
    world.apply("c", 10).observe(3, READY)
    assert world.transition is TransitionStatus.UP_TO_DATE
    failure = world.service.model.last_failure
    assert failure is not None
    assert (failure.reason, failure.message, failure.exit_code) == ("ModelLoadFailed", "corrupt", 3)


def test_a_candidate_that_recovers_gets_its_traffic() -> None:
    world = rolled_out("a").apply("b", 10).observe(2, BROKEN).observe(2, READY)
    assert world.traffic == [(2, 10), (1, 90)]
    assert world.transition is TransitionStatus.UP_TO_DATE


def test_a_pod_that_cannot_be_created_stays_pending() -> None:
    pod = Pod(phase=Phase.CREATE_FAILED, failure=Failure(message='secret "s3" not found'))
    world = World().apply("a").observe(1, pod)
    assert (world.transition, world.service.model.target) == (TransitionStatus.IN_PROGRESS, "Pending")
    assert world.service.model.last_failure is None


def test_an_older_revision_that_becomes_ready_late_is_not_the_latest_ready_one() -> None:
    world = rolled_out("a").apply("b").apply("c").observe(3, READY).observe(2, READY)
    assert world.traffic == [(3, 100)]


def test_zero_pods_are_no_failure() -> None:
    world = World().apply("a", minimum_replicas=0).observe(1, READY)
    assert revisions.may_sleep(world.service, "m-predictor-00001")
    world.observe(1, None)
    assert revisions.is_ready(world.service)
    assert (world.transition, world.service.model.target) == (TransitionStatus.IN_PROGRESS, "Pending")
    assert world.traffic == [(1, 100)]


def test_the_generation_counts_updates_of_template_and_traffic() -> None:
    world = rolled_out("a")
    generation = world.service.generation
    assert world.apply("b", 10).service.generation == generation + 1
    assert world.apply("b", 50).service.generation == generation + 2
    assert world.apply("b", 50).service.generation == generation + 2


def test_standard_mode_ignores_the_percentage_and_stays_ready_through_a_bad_update() -> None:
    world = World(DeploymentMode.STANDARD).apply("a").observe(1, READY).apply("b", 10)
    assert world.traffic == [(1, 100)]
    world.observe(2, BROKEN)
    assert revisions.is_ready(world.service)
    assert world.transition is TransitionStatus.BLOCKED_BY_FAILED_LOAD
    assert world.observe(2, READY).traffic == [(2, 100)]


def test_standard_mode_never_scales_to_zero() -> None:
    world = World(DeploymentMode.STANDARD).apply("a", minimum_replicas=0).observe(1, READY)
    assert not revisions.may_sleep(world.service, "m-predictor-00001")


def test_only_revisions_in_traffic_and_the_newest_are_needed() -> None:
    world = rolled_out("a", "b").apply("c", 10).observe(3, READY)
    assert {_number(name) for name in revisions.needed(world.service)} == {2, 3}


def test_old_revisions_are_forgotten_but_not_those_that_a_rollback_needs() -> None:
    world = rolled_out("a", "b")
    for number in range(3, 40):
        world.apply(f"uri-{number}", 10).observe(number, BROKEN)
    kept = [_number(revision.name) for revision in revisions.forget(world.service, keep=5).revisions]
    assert kept == [1, 2, 35, 36, 37, 38, 39]


def test_an_invalid_spec_keeps_what_runs() -> None:
    world = rolled_out("a")
    service = revisions.record_invalid_spec(world.service, "NoSupportingRuntime", "none")
    assert service.effective == world.service.effective
    assert service.model.transition is TransitionStatus.INVALID_SPEC
    assert service.model.active == "Loaded"
