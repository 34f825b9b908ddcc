"""HTTPRoutes of the Gateway API as Envoy routes, and the status a gateway writes on them. Pure.

RequestMirror is a filter of HTTPRoutes. Neither Knative nor `spec.canary[]` of KServe has anything like
it, so there is no shadow traffic with these two, here as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from churn_devcluster.dataplane.envoy_config import Backend, Mirror, Route

# A cluster without endpoints: the weight of a Service that cannot answer is a 503, as in real gateways.
NOBODY = "nobody"

CONTROLLER_NAME = "churnops.dev/devcluster-gateway"

Object = Mapping[str, Any]
# What a Service of a namespace leads to, in weights of 100; nothing before its first server is ready,
# and None when there is no such Service.
FindBackend = Callable[[str, str], tuple[Backend, ...] | None]

# Each weight is scaled by this, so that a share of a share stays a whole number.
_SCALE = 100
_MILLION = 1_000_000


def routes(http_route: Object, find_backend: FindBackend) -> tuple[Route, ...]:
    """The Envoy routes of one HTTPRoute.

    Path matches of type PathPrefix and Exact, and the filters RequestMirror, URLRewrite with ReplacePrefixMatch and
    RequestHeaderModifier with `set` are honoured. A rule whose backends are all unknown answers 503, as the weight of
    an unknown one does; a copy for a Service without a ready server is dropped.
    """
    hosts = tuple(http_route["spec"].get("hostnames") or ())
    return tuple(
        route
        for rule, match in _matches(http_route)
        if _is_supported(match)
        for route in _rule_routes(rule, match, hosts, _backends(http_route, rule, find_backend))
        for route in [replace(route, mirrors=_mirrors(http_route, rule, find_backend), headers=_headers(rule))]
    )


def _matches(http_route: Object) -> Iterator[tuple[Object, Object]]:
    """Each rule with each of its matches; a rule without any matches everything."""
    everything: list[Object] = [{}]
    for rule in http_route["spec"].get("rules") or ():
        for match in rule.get("matches") or everything:
            yield rule, match


def _is_supported(match: Object) -> bool:
    path = match.get("path") or {}
    kind = path.get("type", "PathPrefix")
    return kind in ("PathPrefix", "Exact") and str(path.get("value", "/")).startswith("/")


def _backends(http_route: Object, rule: Object, find_backend: FindBackend) -> tuple[Backend, ...]:
    backends: list[Backend] = []
    for namespace, name, weight in _references(http_route, rule):
        nobody = (Backend(NOBODY, _SCALE),)
        found = find_backend(namespace, name) or nobody
        backends.extend(Backend(each.cluster, weight * each.weight, each.headers) for each in found)
    return tuple(backends)


def _references(http_route: Object, rule: Object) -> Iterator[tuple[str, str, int]]:
    for reference in rule.get("backendRefs") or ():
        yield *_name_of(http_route, reference), int(reference.get("weight", 1))


def _name_of(http_route: Object, reference: Object) -> tuple[str, str]:
    return reference.get("namespace", http_route["metadata"]["namespace"]), reference["name"]


def _all_references(http_route: Object) -> Iterator[tuple[str, str]]:
    """Every Service that the route names, as backend or as mirror."""
    for rule in http_route["spec"].get("rules") or ():
        for namespace, name, _ in _references(http_route, rule):
            yield namespace, name
        for mirror in _request_mirrors(rule):
            yield _name_of(http_route, mirror["backendRef"])


def _mirrors(http_route: Object, rule: Object, find_backend: FindBackend) -> tuple[Mirror, ...]:
    """A Service that leads to several servers has each mirrored to by its share.

    One that is not ready is left out: what holds requests until it is would give copies to the stable one.
    """
    return tuple(
        Mirror(backend.cluster, round(_fraction(mirror) * _MILLION * backend.weight / _SCALE))
        for mirror in _request_mirrors(rule)
        for backend in find_backend(*_name_of(http_route, mirror["backendRef"])) or ()
        if backend.ready and backend.weight > 0
    )


def _headers(rule: Object) -> tuple[tuple[str, str], ...]:
    """What a RequestHeaderModifier sets."""
    return tuple(
        (str(header["name"]), str(header["value"]))
        for each in rule.get("filters") or ()
        if each.get("type") == "RequestHeaderModifier"
        for header in each["requestHeaderModifier"].get("set") or ()
    )


def _request_mirrors(rule: Object) -> Iterator[Object]:
    for each in rule.get("filters") or ():
        if each.get("type") == "RequestMirror":
            yield each["requestMirror"]


def _fraction(mirror: Object) -> float:
    """`percent`, or `fraction` whose denominator is 100 unless given, or everything."""
    fraction = mirror.get("fraction")
    if fraction is not None:
        return float(fraction["numerator"]) / float(fraction.get("denominator", 100))
    return float(mirror.get("percent", 100)) / 100


def _rule_routes(rule: Object, match: Object, hosts: tuple[str, ...], backends: tuple[Backend, ...]) -> Iterator[Route]:
    path = match.get("path") or {}
    value = str(path.get("value", "/"))
    if path.get("type", "PathPrefix") == "Exact":
        yield Route(value, backends, replacement=None, hosts=hosts, exact=True)
        return
    prefix = value.rstrip("/")
    replacement = _replacement(rule)
    if prefix:
        bare = None if replacement is None else replacement or "/"
        yield Route(prefix, backends, replacement=bare, hosts=hosts, exact=True)
    below = None if replacement is None else f"{replacement}/"
    yield Route(f"{prefix}/", backends, replacement=below, hosts=hosts)


def _replacement(rule: Object) -> str | None:
    """What a URLRewrite puts in the place of the matched prefix, without a trailing slash."""
    for each in rule.get("filters") or ():
        path = (each.get("urlRewrite") or {}).get("path") or {}
        if each.get("type") == "URLRewrite" and path.get("type") == "ReplacePrefixMatch":
            return str(path.get("replacePrefixMatch", "")).rstrip("/")
    return None


def status(http_route: Object, find_backend: FindBackend, now: datetime) -> dict[str, Any]:
    """The status with one entry in `parents` for each of spec.parentRefs."""
    unknown = [
        f"{namespace}/{name}"
        for namespace, name in _all_references(http_route)
        if find_backend(namespace, name) is None
    ]
    resolved = ("False", "BackendNotFound") if unknown else ("True", "ResolvedRefs")
    message = f"Service {', '.join(unknown)} not found" if unknown else "All references are resolved"
    accepted = ("True", "Accepted", "Route is accepted")
    if not all(_is_supported(match) for _, match in _matches(http_route)):
        accepted = ("False", "UnsupportedValue", "Path matches are PathPrefix or Exact and begin with a slash")
    written = {
        _key(parent["parentRef"]): parent.get("conditions", [])
        for parent in http_route.get("status", {}).get("parents", [])
    }
    parents = [
        {
            "parentRef": dict(reference),
            "controllerName": CONTROLLER_NAME,
            "conditions": [
                _condition(
                    http_route,
                    ("Accepted", *accepted),
                    written.get(_key(reference), []),
                    now,
                ),
                _condition(http_route, ("ResolvedRefs", *resolved, message), written.get(_key(reference), []), now),
            ],
        }
        for reference in http_route["spec"].get("parentRefs") or ()
    ]
    return {"parents": parents}


def _key(reference: Object) -> str:
    return repr(sorted(reference.items()))


def _condition(
    http_route: Object,
    condition: tuple[str, str, str, str],
    written: Sequence[Object],
    now: datetime,
) -> dict[str, Any]:
    kind, state, reason, message = condition
    before = next((each for each in written if each["type"] == kind), None)
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    moved = before is None or before["status"] != state
    return {
        "type": kind,
        "status": state,
        "reason": reason,
        "message": message,
        "observedGeneration": http_route["metadata"].get("generation", 0),
        "lastTransitionTime": stamp if before is None or moved else before["lastTransitionTime"],
    }
