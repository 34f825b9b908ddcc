"""The Gateway API driver: one InferenceService a version in Standard mode, and an HTTPRoute. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from churn_operator.adapters.kserve.predictor import (
    MODEL_LABEL,
    Environment,
    Object,
    condition_of,
    environment_of,
    failure_of,
    inference_service,
    is_terminating,
    model_name_of,
    owner_reference,
    predictor,
    settings_of,
    transition_of,
    uri_of,
    variables_in,
)
from churn_operator.core.gateway import FOREIGN, GatewayObservation, VersionService
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import Readiness, RouteStep, VersionServiceStep

MODE = "Standard"
ROUTE_API_VERSION = "gateway.networking.k8s.io/v1"
ROUTE_KIND = "HTTPRoute"
COMPARE_WITH_VARIABLE = "CHURN_COMPARE_WITH"
COMPARE_WITH_VERSION_VARIABLE = "CHURN_COMPARE_WITH_VERSION"
MIRROR_HEADER = "x-churn-mirrored-to"

_PORT = 80
_FAILED_TRANSITIONS = ("BlockedByFailedLoad", "InvalidSpec")


@dataclass(frozen=True)
class Gateway:
    """The Gateway that routes hang on."""

    name: str
    namespace: str


def service_name(key: ObjectKey, number: int) -> str:
    """Name of a version's InferenceService."""
    return f"{key.name}-v{number}"


def number_of(key: ObjectKey, name: str) -> int | None:
    """The version in the name of an InferenceService; None where it is not a version's."""
    found = re.fullmatch(rf"{re.escape(key.name)}-v([1-9][0-9]*)", name)
    return int(found[1]) if found else None


def path_of(key: ObjectKey) -> str:
    """The path under which the Gateway answers for a ChurnModel."""
    return f"/serving/{key.namespace}/{key.name}"


def service_manifest(key: ObjectKey, uid: str, step: VersionServiceStep) -> dict[str, Any]:
    """The whole InferenceService of one version, for server-side apply.

    KServe would give each version's model its InferenceService's name, and clients ask for it by name: all versions
    answer to the ChurnModel's. Of two such arguments, the runtime's and this, model servers take the later.
    """
    environment = environment_of(step.version) + _comparison(key, step.compared_with)
    written = predictor(step.version.uri, environment, step.settings)
    written["model"]["args"] = [f"--model_name={key.name}"]
    return inference_service(key, uid, service_name(key, step.version.number), MODE, written)


def _comparison(key: ObjectKey, number: int | None) -> Environment:
    """Whom a model server asks what a mirrored request is answered by another version: its Service, as the HTTPRoute
    does. status.address of an InferenceService has the scheme that the world outside uses."""
    if number is None:
        return ()
    url = f"http://{_backend(key, number)['name']}.{key.namespace}.svc"
    return ((COMPARE_WITH_VARIABLE, url), (COMPARE_WITH_VERSION_VARIABLE, str(number)))


def _compared_with(raw: Object) -> int | None:
    found = variables_in(raw).get(COMPARE_WITH_VERSION_VARIABLE, "")
    return int(found) if found.isdecimal() else None


def route_manifest(key: ObjectKey, uid: str, step: RouteStep, gateway: Gateway) -> dict[str, Any]:
    """The whole HTTPRoute, for server-side apply. Model servers see the path without the route's prefix, those that
    requests are mirrored to as well. A header tells these that it is a copy: requests of which one is made have it,
    and no other way is common to all gateways."""
    prefix = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    filters: list[dict[str, Any]] = [{"type": "URLRewrite", "urlRewrite": {"path": prefix}}]
    if step.mirror is not None:
        header = {"name": MIRROR_HEADER, "value": str(step.mirror[0])}
        filters.append({"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [header]}})
        filters.append(_mirror_filter(key, *step.mirror))
    return {
        "apiVersion": ROUTE_API_VERSION,
        "kind": ROUTE_KIND,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            # By which the watch finds it; it is no InferenceService, so a label makes no revision.
            "labels": {MODEL_LABEL: key.name},
            "ownerReferences": [owner_reference(key, uid)],
        },
        "spec": {
            "parentRefs": [{"name": gateway.name, "namespace": gateway.namespace}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": path_of(key)}}],
                    "filters": filters,
                    "backendRefs": [_backend(key, number) | {"weight": percent} for number, percent in step.weights],
                }
            ],
        },
    }


def _backend(key: ObjectKey, number: int) -> dict[str, Any]:
    return {"name": f"{service_name(key, number)}-predictor", "port": _PORT}


def _mirror_filter(key: ObjectKey, number: int, percent: int) -> dict[str, Any]:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": _backend(key, number), "percent": percent}}


@dataclass(frozen=True)
class RouteReading:
    """What an HTTPRoute of ours says, see GatewayObservation."""

    weights: tuple[tuple[int, int], ...]
    mirror: tuple[int, int] | None
    accepted: bool
    terminating: bool


def observation(
    key: ObjectKey, services: Iterable[Object], route: Object | None, url: str | None
) -> GatewayObservation | None:
    """What the InferenceServices of a ChurnModel and its HTTPRoute say; None where there is neither."""
    versions = [version_service(key, raw) for raw in services]
    found = [version for version in versions if version is not None]
    return observed(found, None if route is None else route_reading(key, route), url)


def observed(
    services: Iterable[VersionService], route: RouteReading | None, url: str | None
) -> GatewayObservation | None:
    """The same from what was read of them."""
    found = sorted(services, key=lambda version: version.number)
    if not found and route is None:
        return None
    return GatewayObservation(
        services=tuple(found),
        weights=route.weights if route else (),
        accepted=route is not None and route.accepted,
        url=url if route else None,
        terminating=route is not None and route.terminating,
        mirror=route.mirror if route else None,
    )


def route_reading(key: ObjectKey, route: Object) -> RouteReading:
    """What an HTTPRoute says."""
    return RouteReading(_weights(key, route), _mirror(key, route), _accepted(route), is_terminating(route))


def version_service(key: ObjectKey, raw: Object) -> VersionService | None:
    """What the InferenceService of a version says; None for one that goes, or is no version of this ChurnModel."""
    number = number_of(key, raw["metadata"]["name"])
    if number is None or model_name_of(raw) != key.name or is_terminating(raw):
        return None
    readiness = _readiness(raw)
    return VersionService(
        number=number,
        uri=uri_of(raw),
        settings=settings_of(raw),
        readiness=readiness,
        message="" if readiness is Readiness.READY else failure_of(raw),
        compared_with=_compared_with(raw),
    )


def _readiness(raw: Object) -> Readiness:
    """Ready stays True when an update fails, so the transition is asked first; at zero pods the transition
    is InProgress and Ready True, which is fine. status.observedGeneration is the Deployment's: not read."""
    if transition_of(raw) in _FAILED_TRANSITIONS:
        return Readiness.FAILED
    return Readiness.READY if condition_of(raw, "Ready").get("status") == "True" else Readiness.PROGRESSING


def _weights(key: ObjectKey, route: Object) -> tuple[tuple[int, int], ...]:
    """By version; what somebody else has put there, a backend or a rule of its own, is that of version 0."""
    weights: Counter[int] = Counter()
    for place, rule in enumerate(route["spec"].get("rules") or ()):
        for reference in rule.get("backendRefs") or ():
            number = _number_behind(key, reference) if place == 0 else None
            weights[number or FOREIGN] += int(reference.get("weight", 1))
    return tuple(sorted((number, weight) for number, weight in weights.items() if weight))


def _mirror(key: ObjectKey, route: Object) -> tuple[int, int] | None:
    for rule in route["spec"].get("rules") or ():
        for each in rule.get("filters") or ():
            mirror = each.get("requestMirror") or {}
            number = _number_behind(key, mirror.get("backendRef") or {})
            if number is not None:
                return number, int(mirror.get("percent", 100))
    return None


def _number_behind(key: ObjectKey, reference: Object) -> int | None:
    """The version whose Service a route names."""
    return number_of(key, str(reference.get("name", "")).removesuffix("-predictor"))


def _accepted(route: Object) -> bool:
    """Whether a gateway took the route as it is now and found all its backends."""
    generation = route["metadata"].get("generation", 0)
    for parent in (route.get("status") or {}).get("parents") or ():
        current = {
            condition.get("type"): condition.get("status")
            for condition in parent.get("conditions") or ()
            if condition.get("observedGeneration", 0) >= generation
        }
        if current.get("Accepted") == "True" and current.get("ResolvedRefs", "True") == "True":
            return True
    return False


def url_of(raw: Object) -> str | None:
    """Where a Gateway answers: its first address, with its first listener's protocol and port."""
    addresses = (raw.get("status") or {}).get("addresses") or ()
    listeners = (raw.get("spec") or {}).get("listeners") or ()
    if not addresses or not listeners:
        return None
    scheme = "https" if listeners[0].get("protocol") == "HTTPS" else "http"
    port = int(listeners[0].get("port") or 0)
    default = {"http": 80, "https": 443}[scheme]
    host = str(addresses[0]["value"])
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + ("" if port in (0, default) else f":{port}")
