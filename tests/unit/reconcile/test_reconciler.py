"""One pass: what is written, when, and what a failure leaves behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from churn_operator.adapters import kfp_errors, prometheus, s3, webhooks
from churn_operator.adapters.kserve import serving
from churn_operator.api.reading import read_status
from churn_operator.errors import Changed, Conflict, Rejected, Transient
from churn_operator.reconcile import observe
from churn_operator.reconcile.reconciler import Reconciler
from churn_operator.reconcile.subject import FINALIZER

from tests.unit.core.world import package
from tests.unit.reconcile.ports import KEY, World, churn_model, loop_over


async def passes(reconciler: Reconciler, count: int) -> None:
    """Run this many passes, whatever they say of the next one."""
    for _ in range(count):
        await reconciler.reconcile_once(KEY)
    await reconciler.herald.recorder.drained()


async def test_intent_stands_in_status_and_the_finalizer_on_the_object_before_a_run_is_submitted() -> None:
    world = World(churn_model())
    await passes(loop_over(world), 4)
    assert world.calls.index("write_status") < world.calls.index("submit")
    assert world.calls.index("set_finalizer") < world.calls.index("submit")
    assert world.raw["metadata"]["finalizers"] == [FINALIZER]


async def test_a_pass_with_nothing_to_do_writes_nothing() -> None:
    world = World(churn_model())
    reconciler = loop_over(world)
    await passes(reconciler, 6)
    world.calls.clear()
    await passes(reconciler, 3)
    assert set(world.calls) == {"find_run"}


async def test_an_outage_is_unknown_in_the_conditions_and_no_action() -> None:
    world = World(churn_model())
    world.fails["dataset_digest"] = Transient("S3", "connection refused")
    await passes(loop_over(world), 2)
    condition = read_status(world.raw["status"]).condition("DatasetReady")
    assert condition is not None
    assert (condition.status, condition.reason, condition.message) == (
        "Unknown",
        "S3Unavailable",
        "connection refused",
    )
    assert "submit" not in world.calls


async def test_an_answer_that_takes_longer_than_the_deadline_is_unknown() -> None:
    class Slow(World):
        async def dataset_digest(self, *_: object) -> str | None:
            await asyncio.Event().wait()
            return None

    world = Slow(churn_model())
    await passes(loop_over(world, deadline=timedelta(milliseconds=20)), 1)
    condition = read_status(world.raw["status"]).condition("DatasetReady")
    assert condition is not None
    assert condition.reason == "DeadlineExceeded"


@pytest.mark.parametrize(
    ("question", "source"), [("dataset_digest", "S3"), ("find_run", "KFP"), ("list_runs", "KFP"), ("exists", "S3")]
)
async def test_an_answer_that_takes_longer_than_the_deadline_is_counted_as_a_failure_of_whom_was_asked(
    question: str, source: str
) -> None:
    async def silent(*_: object) -> None:
        await asyncio.Event().wait()

    raw = churn_model(deletionPolicy="Delete")
    if question in ("list_runs", "exists"):
        raw["metadata"] |= {"finalizers": [FINALIZER], "deletionTimestamp": "2026-11-24T12:00:00Z"}
    world = World(raw)
    setattr(world, question, silent)
    reconciler = loop_over(world, deadline=timedelta(milliseconds=20))
    await passes(reconciler, 3)
    labels = {"source": source, "kind": "Transient"}
    assert reconciler.metrics.registry.get_sample_value("churn_operator_errors_total", labels)


def test_whom_a_question_is_to_is_called_as_the_adapters_call_themselves() -> None:
    adapters = (kfp_errors.SOURCE, s3.SOURCE, serving.SOURCE, prometheus.SOURCE, webhooks.SOURCE)
    assert adapters == (observe.KFP, observe.S3, observe.KSERVE, observe.PROMETHEUS, observe.WEBHOOK)


async def test_a_refused_run_is_told_with_its_reason_and_not_tried_again() -> None:
    world = World(churn_model())
    world.fails["submit"] = Rejected("KFP", "unknown parameter")
    await passes(loop_over(world), 8)
    status = read_status(world.raw["status"])
    stalled = status.condition("Stalled")
    assert stalled is not None
    assert (stalled.status, stalled.reason) == ("True", "RunRejected")
    assert "unknown parameter" in stalled.message
    assert world.calls.count("submit") == 1


async def test_a_run_that_could_not_be_submitted_is_tried_again_after_a_pause() -> None:
    world = World(churn_model())
    world.fails["submit"] = Transient("KFP", "connection refused")
    reconciler = loop_over(world)
    await passes(reconciler, 3)
    after = await reconciler.reconcile_once(KEY)
    assert after is not None
    assert after >= timedelta(seconds=5)
    world.fails.clear()
    await passes(reconciler, 2)
    assert list(world.runs) == [read_status(world.raw["status"]).training.run_name]  # type: ignore[union-attr]


OWN = {"training": {"pipeline": {"uri": "s3://data/churn.yaml"}}}


async def test_the_content_that_was_looked_at_is_what_is_submitted() -> None:
    world = World(churn_model(**OWN))
    world.packages["s3://data/churn.yaml"] = package("package-one")
    await passes(loop_over(world), 5)
    assert world.submitted == [b"package-one"]
    assert read_status(world.raw["status"]).training is not None


async def test_a_package_that_changed_before_its_submission_is_looked_at_again() -> None:
    world = World(churn_model(**OWN))
    world.packages["s3://data/churn.yaml"] = package("package-one")
    world.fails["package_content"] = Changed("S3", "s3://data/churn.yaml was changed since it was looked at")
    reconciler = loop_over(world)
    await passes(reconciler, 4)
    assert "package_content" in world.calls
    world.packages["s3://data/churn.yaml"] = package("package-two")
    world.fails.clear()
    await passes(reconciler, 6)
    assert world.submitted == [b"package-two"]


async def test_a_package_is_looked_at_only_where_spec_names_one() -> None:
    world = World(churn_model())
    await passes(loop_over(world), 6)
    assert "package" not in world.calls


async def test_a_conflicting_write_tells_nothing_and_repeats_the_pass_on_the_newer_object() -> None:
    world = World(churn_model())
    reconciler = loop_over(world)
    newer = churn_model(suspend=True)
    newer["metadata"] |= {"resourceVersion": "7", "generation": 2}
    world.raw = newer
    assert await reconciler.reconcile_once(KEY) == timedelta(0)
    await reconciler.herald.recorder.drained()
    assert world.events == []
    await passes(reconciler, 1)
    assert world.raw["status"]["phase"] == "Suspended"
    assert world.raw["status"]["observedGeneration"] == 2


async def test_after_a_restore_of_etcd_the_older_state_is_what_passes_work_on() -> None:
    world = World(churn_model())
    world.raw["metadata"]["resourceVersion"] = "100"
    reconciler = loop_over(world)
    restored = churn_model(suspend=True)
    restored["metadata"] |= {"resourceVersion": "7", "generation": 1}
    world.raw = restored
    await passes(reconciler, 2)
    assert world.raw["status"]["phase"] == "Suspended"


async def test_a_version_that_a_newer_operator_wrote_is_neither_lost_nor_taken_out_of_service() -> None:
    newer = {"number": 3, "state": "Quarantined", "key": "k" * 64, "modelUri": "s3://mlops/churn/team/churn/k/1/model"}
    raw = churn_model()
    raw["metadata"]["finalizers"] = [FINALIZER]
    raw["status"] = {
        "latestVersion": 3,
        "versions": [newer],
        "rollout": {"stable": 3},
        "serving": {"driver": "knative"},
    }
    world = World(raw)
    await passes(loop_over(world), 3)
    stalled = read_status(world.raw["status"]).condition("Stalled")
    assert stalled is not None
    assert (stalled.status, stalled.reason) == ("True", "StatusUnreadable")
    assert world.raw["status"]["versions"] == [newer]
    assert not {"delete", "apply", "submit"} & set(world.calls)


async def test_an_event_that_cannot_be_posted_fails_no_pass() -> None:
    world = World(churn_model())
    world.fails["post_event"] = Transient("Kubernetes", "time-out")
    await passes(loop_over(world), 4)
    assert "submit" in world.calls


async def test_a_status_that_cannot_be_written_is_the_workers_to_back_off_from() -> None:
    world = World(churn_model())
    world.fails["write_status"] = Transient("Kubernetes", "etcd leader changed")
    reconciler = loop_over(world)
    with pytest.raises(Transient):
        await reconciler.reconcile_once(KEY)
    await reconciler.herald.recorder.drained()
    assert world.events == []


async def test_a_finalizer_conflict_is_a_fault_and_not_a_crash() -> None:
    world = World(churn_model())
    world.fails["set_finalizer"] = Conflict("Kubernetes", "the object has been modified")
    await passes(loop_over(world), 4)
    assert "submit" not in world.calls


async def test_a_deleted_object_is_let_go_when_nothing_is_left() -> None:
    raw = churn_model()
    raw["metadata"] |= {"finalizers": [FINALIZER], "deletionTimestamp": "2026-11-24T12:00:00Z"}
    world = World(raw)
    await passes(loop_over(world), 3)
    assert world.raw["metadata"]["finalizers"] == []


async def test_a_spec_that_cannot_be_read_is_told_and_nothing_is_done() -> None:
    world = World(churn_model(colour="blue"))
    await passes(loop_over(world), 2)
    stalled = read_status(world.raw["status"]).condition("Stalled")
    assert stalled is not None
    assert (stalled.status, stalled.reason) == ("True", "InvalidSpec")
    assert "colour" in stalled.message
    assert "dataset_digest" not in world.calls
