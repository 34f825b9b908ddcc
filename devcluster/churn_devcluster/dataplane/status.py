"""From a service to the status KServe's controller writes on the InferenceService. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from churn_devcluster.dataplane import deployments
from churn_devcluster.dataplane.model import (
    Canary,
    DeploymentMode,
    FailureInfo,
    ModelStatus,
    Phase,
    Revision,
    Service,
    Share,
    Value,
)
from churn_devcluster.dataplane.revisions import is_ready


class Condition(Value):
    """A Knative condition: no observedGeneration, and severity Info when Ready does not depend on it."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    severity: str = ""


class Addresses(Value):
    """Where Envoy answers for a service: its URL and that of the revision tagged `prev`."""

    url: str
    previous_url: str


def render(service: Service, addresses: Addresses, written: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The whole status; `written` is the one in the cluster, whose transition times live on."""
    status: dict[str, Any] = {
        "conditions": _with_times(_conditions(service), written.get("conditions", []), now),
        "deploymentMode": service.mode.value,
        "modelStatus": _model_status(service.model),
        "observedGeneration": service.observed_generation,
    }
    if service.canaries:
        status["canaryStatuses"] = [_canary(service, canary) for canary in service.canaries]
    if service.revisions:
        status["components"] = {"predictor": _component(service, addresses)}
    if service.latest_created is not None:
        status["clusterServingRuntimeName"] = service.latest_created.template.runtime
    if is_ready(service):
        status |= {"url": addresses.url, "address": {"url": addresses.url}}
    else:
        # KServe never takes a URL back once it was published.
        status |= {key: written[key] for key in ("url", "address") if key in written}
    return status


def _canary(service: Service, canary: Canary) -> dict[str, Any]:
    """KServe leaves modelStatus empty here, whatever happens to the canary."""
    return {
        "name": canary.name,
        "ready": deployments.is_available(service, canary),
        "trafficPercent": canary.percent,
        "modelStatus": {"transitionStatus": ""},
    }


def _component(service: Service, addresses: Addresses) -> dict[str, Any]:
    component: dict[str, Any] = {"url": addresses.url} if service.effective else {}
    if service.mode is DeploymentMode.STANDARD:
        return component
    latest = service.latest_created
    names = {
        "latestCreatedRevision": "" if latest is None else latest.name,
        "latestReadyRevision": service.latest_ready,
        "latestRolledoutRevision": service.latest_rolled_out,
        "previousRolledoutRevision": service.previous_rolled_out,
    }
    component |= {key: name for key, name in names.items() if name}
    if service.effective:
        component["traffic"] = [_traffic(share, addresses) for share in service.effective]
    return component


def _traffic(share: Share, addresses: Addresses) -> dict[str, Any]:
    line: dict[str, Any] = {
        "latestRevision": share.latest,
        "percent": share.percent,
        "revisionName": share.revision_name,
    }
    if share.tag is not None:
        line |= {"tag": share.tag, "url": addresses.previous_url}
    return line


def _model_status(model: ModelStatus) -> dict[str, Any]:
    status: dict[str, Any] = {
        "transitionStatus": model.transition.value,
        "states": {"activeModelState": model.active, "targetModelState": model.target},
        "copies": {"failedCopies": 0, "totalCopies": model.ready_copies},
    }
    if model.last_failure is not None:
        status["lastFailureInfo"] = _failure_info(model.last_failure)
    return status


def _failure_info(failure: FailureInfo) -> dict[str, Any]:
    info: dict[str, Any] = {"reason": failure.reason, "message": failure.message}
    if failure.exit_code is not None:
        info["exitCode"] = failure.exit_code
    return info


def _conditions(service: Service) -> list[Condition]:
    if service.latest_created is None:
        return [Condition(type=each, status="Unknown") for each in ("IngressReady", "PredictorReady", "Ready")]
    if service.mode is DeploymentMode.STANDARD:
        return _standard_conditions(service, service.latest_created)
    return _knative_conditions(service, service.latest_created)


def _knative_conditions(service: Service, latest: Revision) -> list[Condition]:
    configuration = _configuration(service, latest)
    route = _route(service, latest)
    predictor = _first_unhappy(configuration, route)
    if latest.create_failed and latest.failure is not None:
        predictor = Condition(type="", status="False", reason="FailedCreate", message=latest.failure.message)
    ingress = _ingress(predictor)
    return [
        _renamed(ingress, "IngressReady"),
        _aggregate(configuration, "LatestDeploymentReady", "PredictorConfigurationReady"),
        _renamed(configuration, "PredictorConfigurationReady", "Info"),
        _renamed(predictor, "PredictorReady"),
        _renamed(route, "PredictorRouteReady", "Info"),
        _renamed(_first_unhappy(predictor, ingress), "Ready"),
        _aggregate(route, "RoutesReady", "PredictorRouteReady"),
    ]


def _configuration(service: Service, latest: Revision) -> Condition:
    if latest.failure is not None:
        message = f'Revision "{latest.name}" failed with message: {latest.failure.message}.'
        return Condition(type="", status="False", reason="RevisionFailed", message=message)
    return Condition(type="", status="True" if service.latest_ready == latest.name else "Unknown")


def _route(service: Service, latest: Revision) -> Condition:
    if service.effective:
        return Condition(type="", status="True")
    if service.latest_ready:
        return Condition(type="", status="Unknown", reason="Uninitialized", message="Waiting for Envoy.")
    return Condition(
        type="",
        status="Unknown" if latest.failure is None else "False",
        reason="RevisionMissing",
        message=f'Configuration "{service.name}-predictor" does not have any ready Revision.',
    )


def _standard_conditions(service: Service, latest: Revision) -> list[Condition]:
    predictor = _deployment(service, latest)
    ingress = _ingress(predictor)
    return [
        *_canary_condition(service),
        _renamed(ingress, "IngressReady"),
        _renamed(predictor, "PredictorReady"),
        _renamed(_first_unhappy(predictor, ingress), "Ready"),
    ]


def _canary_condition(service: Service) -> list[Condition]:
    """Ready does not depend on it."""
    if not service.canaries:
        return []
    all_ready = all(deployments.is_available(service, canary) for canary in service.canaries)
    state, reason = ("True", "AllCanariesReady") if all_ready else ("False", "CanariesNotReady")
    return [Condition(type="CanaryPredictorReady", status=state, reason=reason, severity="Info")]


def _deployment(service: Service, latest: Revision) -> Condition:
    if is_ready(service):
        return Condition(type="", status="True")
    if latest.pod is not None and latest.pod.phase is Phase.CREATE_FAILED and latest.failure is not None:
        return Condition(type="", status="False", reason="FailedCreate", message=latest.failure.message)
    return Condition(
        type="",
        status="False",
        reason="MinimumReplicasUnavailable",
        message="Deployment does not have minimum availability.",
    )


def _ingress(predictor: Condition) -> Condition:
    if predictor.status == "True":
        return predictor
    return Condition(type="", status=predictor.status, reason="Predictor ingress not created")


def _first_unhappy(*conditions: Condition) -> Condition:
    """What a living condition set shows: the first False, else the first Unknown, else True."""
    for status in ("False", "Unknown"):
        for condition in conditions:
            if condition.status == status:
                return condition
    return conditions[0]


def _renamed(condition: Condition, name: str, severity: str = "") -> Condition:
    return condition.model_copy(update={"type": name, "severity": severity})


def _aggregate(condition: Condition, name: str, component: str) -> Condition:
    reason = "" if condition.status == "True" else f"{component} not ready"
    return Condition(type=name, status=condition.status, reason=reason, severity="Info")


def _with_times(
    conditions: Sequence[Condition], written: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    before = {each["type"]: each for each in written}
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rendered = []
    for condition in conditions:
        fields = {key: value for key, value in condition.model_dump().items() if value}
        old = before.get(condition.type, {})
        unchanged = all(old.get(key, "") == fields.get(key, "") for key in ("status", "reason", "message"))
        fields["lastTransitionTime"] = old.get("lastTransitionTime", stamp) if unchanged else stamp
        rendered.append(fields)
    return rendered
