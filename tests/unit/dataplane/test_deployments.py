"""Standard mode without processes: Deployments of predictor and canaries, and what follows in status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from churn_devcluster.dataplane import deployments, revisions, routing
from churn_devcluster.dataplane.model import DeploymentMode, Failure, Phase, Pod, Service
from churn_devcluster.dataplane.status import Addresses, render
from churn_devcluster.dataplane.templates import InvalidCanaryError, variants

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ADDRESSES = Addresses(url="http://h/serving/n/m", previous_url="http://h/serving/n/prev-m-predictor")
RUNTIME = {"metadata": {"name": "churn"}, "spec": {"supportedModelFormats": [{"name": "churn", "autoSelect": True}]}}
BROKEN = Pod(phase=Phase.FAILED, failure=Failure(message="corrupt"))


def predictor(uri: str, **fields: Any) -> dict[str, Any]:
    return {"model": {"modelFormat": {"name": "churn"}, "storageUri": uri}, **fields}


def canary(name: str, uri: str, percent: int, **fields: Any) -> dict[str, Any]:
    return {"trafficPercent": percent, "predictor": {"name": name, "model": {"storageUri": uri}, **fields}}


class World:
    """Applies specs and observations, and passes until nothing moves, as the controller does."""

    def __init__(self) -> None:
        self.service = Service(namespace="n", name="m", uid="u", mode=DeploymentMode.STANDARD)
        self._spec: dict[str, Any] = {}
        self._labels: dict[str, str] = {}
        self._ports = iter(range(15000, 16000))

    def apply(self, stable: dict[str, Any], *canaries: dict[str, Any], labels: dict[str, str] | None = None) -> World:
        self._spec = {"predictor": stable, **({"canary": list(canaries)} if canaries else {})}
        self._labels = labels or self._labels
        return self.settle()

    def ready(self, *names: str) -> World:
        for name in names:
            self.service = revisions.observe(self.service, name, Pod(phase=Phase.READY, port=next(self._ports)))
        return self.settle()

    def observe(self, name: str, pod: Pod | None) -> World:
        self.service = revisions.observe(self.service, name, pod)
        return self.settle()

    def settle(self) -> World:
        for _ in range(10):
            before = self.service
            wished = {"metadata": {"labels": self._labels}, "spec": self._spec}
            service = deployments.apply_spec(before, *variants(wished, [RUNTIME], []))
            service = revisions.record_traffic(service, revisions.shares_in_force(service))
            self.service = revisions.record_model(service)
            if self.service == before:
                return self
        raise AssertionError("no fixpoint")

    @property
    def traffic(self) -> dict[str, int]:
        return {share.revision_name: share.percent for share in self.service.effective}

    @property
    def status(self) -> dict[str, Any]:
        return render(self.service, ADDRESSES, {}, NOW)

    def condition(self, kind: str) -> tuple[str, str] | None:
        found = (each for each in self.status["conditions"] if each["type"] == kind)
        return next(((each["status"], each.get("reason", "")) for each in found), None)


def with_canary(percent: int = 10) -> World:
    world = World().apply(predictor("a")).ready("m-predictor-00001")
    return world.apply(predictor("a"), canary("v2", "b", percent))


def test_a_canary_has_its_weight_once_it_is_ready() -> None:
    world = with_canary()
    assert world.traffic == {"m-predictor-00001": 100}
    assert world.condition("CanaryPredictorReady") == ("False", "CanariesNotReady")
    world.ready("m-v2-predictor-00002")
    assert world.traffic == {"m-predictor-00001": 90, "m-v2-predictor-00002": 10}
    assert world.condition("CanaryPredictorReady") == ("True", "AllCanariesReady")
    assert world.status["canaryStatuses"] == [
        {"name": "v2", "ready": True, "trafficPercent": 10, "modelStatus": {"transitionStatus": ""}}
    ]


def test_a_new_percentage_is_no_new_revision() -> None:
    world = with_canary().ready("m-v2-predictor-00002").apply(predictor("a"), canary("v2", "b", 50))
    assert world.traffic == {"m-predictor-00001": 50, "m-v2-predictor-00002": 50}
    assert world.service.created == 2


@pytest.mark.parametrize("order", [("a-first", 10, 20), ("b-first", 20, 10)])
def test_several_canaries_share(order: tuple[str, int, int]) -> None:
    _, first, second = order
    world = World().apply(predictor("a"), canary("x", "b", first), canary("y", "c", second))
    world.ready("m-predictor-00003", "m-y-predictor-00002")
    assert world.traffic == {"m-predictor-00003": 100 - second, "m-y-predictor-00002": second}
    assert world.condition("CanaryPredictorReady") == ("False", "CanariesNotReady")


def test_a_failed_canary_leaves_ready_alone_and_does_not_say_why() -> None:
    world = with_canary().ready("m-v2-predictor-00002").observe("m-v2-predictor-00002", BROKEN)
    assert world.traffic == {"m-predictor-00001": 100}
    assert world.condition("Ready") == ("True", "")
    assert world.condition("CanaryPredictorReady") == ("False", "CanariesNotReady")
    assert world.status["modelStatus"]["transitionStatus"] == "UpToDate"
    assert "corrupt" not in str(world.status)


def test_promotion_by_name_keeps_the_canarys_pod() -> None:
    world = with_canary(50).ready("m-v2-predictor-00002")
    pod = world.service.revisions[1].pod
    world.apply(predictor("b", name="v2"))
    assert world.traffic == {"m-v2-predictor-00002": 100}
    assert world.service.created == 2
    assert world.service.revisions[-1].pod == pod
    assert revisions.needed(world.service) == {"m-v2-predictor-00002"}
    assert world.condition("Ready") == ("True", "")
    assert world.condition("CanaryPredictorReady") is None
    assert "canaryStatuses" not in world.status
    assert world.status["observedGeneration"] == 1


def test_promotion_without_the_name_rolls_the_predictor() -> None:
    world = with_canary(50).ready("m-v2-predictor-00002").apply(predictor("b"))
    assert world.traffic == {"m-predictor-00001": 100}
    world.ready("m-predictor-00003")
    assert world.traffic == {"m-predictor-00003": 100}
    assert world.status["observedGeneration"] == 2


def test_to_promote_a_canary_that_is_not_ready_is_an_outage() -> None:
    world = with_canary().apply(predictor("b", name="v2"))
    assert world.traffic == {}
    assert world.condition("Ready") == ("False", "MinimumReplicasUnavailable")
    [route] = routing.build([world.service], [], 15999).routes
    assert route.backends == ()
    world.ready("m-v2-predictor-00002")
    assert world.traffic == {"m-v2-predictor-00002": 100}


def test_rollback_ends_the_canary_and_its_name_can_be_used_again() -> None:
    world = with_canary().ready("m-v2-predictor-00002").apply(predictor("a"))
    assert world.traffic == {"m-predictor-00001": 100}
    assert revisions.needed(world.service) == {"m-predictor-00001"}
    world.observe("m-v2-predictor-00002", None).apply(predictor("a"), canary("v2", "c", 10))
    assert revisions.needed(world.service) == {"m-predictor-00001", "m-v2-predictor-00003"}


@pytest.mark.parametrize(
    ("stable", "fields", "percent", "replicas"),
    [
        ({}, {}, 0, 0),
        ({}, {}, 1, 1),
        ({"minReplicas": 4}, {}, 26, 2),
        ({"minReplicas": 0}, {}, 50, 0),
        ({}, {"minReplicas": 1}, 0, 1),
    ],
)
def test_replicas_of_a_canary(stable: Any, fields: Any, percent: int, replicas: int) -> None:
    spec = {"predictor": predictor("a", **stable), "canary": [canary("v2", "b", percent, **fields)]}
    _, [found] = variants({"metadata": {}, "spec": spec}, [RUNTIME], [])
    assert found.replicas == replicas


def test_a_canary_without_replicas_has_no_pod_and_never_becomes_ready() -> None:
    world = with_canary(0)
    assert revisions.needed(world.service) == {"m-predictor-00001"}
    assert world.condition("CanaryPredictorReady") == ("False", "CanariesNotReady")


def test_a_canary_inherits_what_it_does_not_say_and_replaces_lists() -> None:
    stable = predictor("a", serviceAccountName="models", minReplicas=3)
    stable["model"] |= {"env": [{"name": "A"}, {"name": "B"}], "args": ["--x"]}
    entry = canary("v2", "b", 10)
    entry["predictor"]["model"]["env"] = [{"name": "C"}]
    _, [found] = variants({"metadata": {}, "spec": {"predictor": stable, "canary": [entry]}}, [RUNTIME], [])
    assert found.template.predictor == {
        "serviceAccountName": "models",
        "model": {
            "modelFormat": {"name": "churn"},
            "storageUri": "b",
            "env": [{"name": "C"}],
            "args": ["--x"],
        },
    }


def test_replicas_and_name_roll_nothing_out_and_labels_roll_everything() -> None:
    world = with_canary().ready("m-v2-predictor-00002")
    world.apply(predictor("a", minReplicas=2), canary("v2", "b", 10, minReplicas=1))
    assert world.service.created == 2
    world.apply(predictor("a"), canary("v2", "b", 10), labels={"run": "17"})
    assert world.service.created == 4
    assert world.traffic == {"m-predictor-00001": 90, "m-v2-predictor-00002": 10}


def test_after_a_restart_of_the_data_plane_a_canary_keeps_its_weight() -> None:
    world = with_canary().ready("m-v2-predictor-00002")
    gone = tuple(revision.model_copy(update={"pod": None}) for revision in world.service.revisions)
    world.service = world.service.model_copy(update={"revisions": gone})
    world.settle()
    assert world.traffic == {"m-predictor-00001": 90, "m-v2-predictor-00002": 10}


def test_each_deployment_has_a_service() -> None:
    world = with_canary().ready("m-v2-predictor-00002")
    find = routing.backend_finder([world.service])
    for service, cluster in (("m-predictor", "n/m-predictor-00001"), ("m-v2-predictor", "n/m-v2-predictor-00002")):
        found = find("n", service)
        assert found is not None
        assert [(each.cluster, each.weight, each.ready) for each in found] == [(cluster, 100, True)]
    assert find("n", "m-v3-predictor") is None


def test_an_older_kserve_knows_neither_list_nor_name() -> None:
    spec = {"predictor": predictor("a", name="v1"), "canary": [canary("v2", "b", 10)]}
    stable, canaries = variants({"metadata": {}, "spec": spec}, [RUNTIME], [], canary_list=False)
    assert (stable.name, canaries) == ("", [])


def test_a_canary_that_no_runtime_serves_is_told_from_an_invalid_predictor() -> None:
    entry = canary("v2", "b", 10)
    entry["predictor"]["model"]["modelFormat"] = {"name": "other"}
    with pytest.raises(InvalidCanaryError, match="canary v2: No runtime found"):
        variants({"metadata": {}, "spec": {"predictor": predictor("a"), "canary": [entry]}}, [RUNTIME], [])
