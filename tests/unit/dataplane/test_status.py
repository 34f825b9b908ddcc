"""The status that is written on the InferenceService."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from churn_devcluster.dataplane import revisions
from churn_devcluster.dataplane.model import DeploymentMode, Failure, Phase, Pod, Service, Template
from churn_devcluster.dataplane.status import Addresses, render

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ADDRESSES = Addresses(url="http://h/serving/n/m", previous_url="http://h/serving/n/prev-m-predictor")


def template(uri: str) -> Template:
    return Template(
        labels={},
        annotations={},
        predictor={"model": {"storageUri": uri}},
        runtime="churn",
        runtime_container={},
    )


def pass_over(service: Service, uri: str, percent: int | None = None) -> Service:
    for _ in range(3):
        service = revisions.apply_spec(service, template(uri), percent)
        service = revisions.record_traffic(service, revisions.shares_in_force(service))
        service = revisions.record_model(service)
    return service


def pod(service: Service, number: int, phase: Phase, message: str = "") -> Service:
    failure = Failure(message=message, exit_code=1) if message else None
    port = 15000 if phase is Phase.READY else None
    seen = Pod(phase=phase, failure=failure, port=port)
    return revisions.observe(service, f"m-predictor-{number:05d}", seen)


def served(mode: DeploymentMode = DeploymentMode.KNATIVE) -> Service:
    service = pass_over(Service(namespace="n", name="m", uid="u", mode=mode), "a")
    return pass_over(pod(service, 1, Phase.READY), "a")


def states(status: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in status["conditions"]}


def test_a_served_model() -> None:
    status = render(served(), ADDRESSES, {}, NOW)
    assert states(status) == {
        "IngressReady": "True",
        "LatestDeploymentReady": "True",
        "PredictorConfigurationReady": "True",
        "PredictorReady": "True",
        "PredictorRouteReady": "True",
        "Ready": "True",
        "RoutesReady": "True",
    }
    assert status["url"] == ADDRESSES.url
    assert status["address"] == {"url": ADDRESSES.url}
    assert status["components"]["predictor"] == {
        "url": ADDRESSES.url,
        "latestCreatedRevision": "m-predictor-00001",
        "latestReadyRevision": "m-predictor-00001",
        "latestRolledoutRevision": "m-predictor-00001",
        "traffic": [{"latestRevision": True, "percent": 100, "revisionName": "m-predictor-00001"}],
    }
    assert status["modelStatus"] == {
        "transitionStatus": "UpToDate",
        "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
        "copies": {"failedCopies": 0, "totalCopies": 1},
    }


def test_a_canary_tags_the_previous_revision() -> None:
    service = pass_over(served(), "b", 10)
    service = pass_over(pod(service, 2, Phase.READY), "b", 10)
    traffic = render(service, ADDRESSES, {}, NOW)["components"]["predictor"]["traffic"]
    assert traffic == [
        {"latestRevision": True, "percent": 10, "revisionName": "m-predictor-00002"},
        {
            "latestRevision": False,
            "percent": 90,
            "revisionName": "m-predictor-00001",
            "tag": "prev",
            "url": ADDRESSES.previous_url,
        },
    ]


def test_a_new_service_is_unknown_everywhere() -> None:
    service = Service(namespace="n", name="m", uid="u", mode=DeploymentMode.KNATIVE)
    status = render(service, ADDRESSES, {}, NOW)
    assert set(states(status).values()) == {"Unknown"}
    assert "url" not in status


def test_a_bad_candidate_takes_ready_but_neither_route_nor_url() -> None:
    before = render(served(), ADDRESSES, {}, NOW)
    service = pass_over(served(), "b", 10)
    service = pass_over(pod(service, 2, Phase.FAILED, "corrupt"), "b", 10)
    status = render(service, ADDRESSES, before, NOW)
    assert states(status)["Ready"] == "False"
    assert states(status)["PredictorRouteReady"] == "True"
    ready = next(each for each in status["conditions"] if each["type"] == "Ready")
    assert ready["reason"] == "RevisionFailed"
    assert ready["message"] == 'Revision "m-predictor-00002" failed with message: corrupt.'
    assert status["url"] == ADDRESSES.url
    assert status["modelStatus"]["lastFailureInfo"] == {
        "reason": "ModelLoadFailed",
        "message": "corrupt",
        "exitCode": 1,
    }


def test_transition_times_move_only_with_their_condition() -> None:
    first = render(served(), ADDRESSES, {}, NOW)
    later = NOW + timedelta(minutes=5)
    assert render(served(), ADDRESSES, first, later) == first
    service = pass_over(served(), "b", 10)
    service = pass_over(pod(service, 2, Phase.FAILED, "corrupt"), "b", 10)
    times = {
        each["type"]: each["lastTransitionTime"] for each in render(service, ADDRESSES, first, later)["conditions"]
    }
    assert times["PredictorRouteReady"] == "2026-11-24T12:00:00Z"
    assert times["Ready"] == "2026-11-24T12:05:00Z"


def test_standard_mode_has_neither_revisions_nor_routes() -> None:
    status = render(served(DeploymentMode.STANDARD), ADDRESSES, {}, NOW)
    assert set(states(status)) == {"IngressReady", "PredictorReady", "Ready"}
    assert status["components"]["predictor"] == {"url": ADDRESSES.url}
    assert status["deploymentMode"] == "Standard"


def test_standard_mode_before_its_first_pod() -> None:
    service = pass_over(Service(namespace="n", name="m", uid="u", mode=DeploymentMode.STANDARD), "a")
    ready = render(service, ADDRESSES, {}, NOW)["conditions"][-1]
    assert (ready["status"], ready["reason"]) == ("False", "MinimumReplicasUnavailable")
