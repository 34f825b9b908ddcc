"""From all services and HTTPRoutes to what Envoy has to know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from churn_devcluster.dataplane import deployments, gateway
from churn_devcluster.dataplane.activator import NAMESPACE_HEADER, REVISION_HEADER
from churn_devcluster.dataplane.envoy_config import Backend, Cluster, Route, Routing
from churn_devcluster.dataplane.model import DeploymentMode, Phase, Revision, Service, Share
from churn_devcluster.dataplane.revisions import shares_in_force

# A server: uid of its service, name of its revision.
ServerKey = tuple[str, str]

_SERVICE_SUFFIX = "-predictor"


def service_path(namespace: str, name: str) -> str:
    """Path below which Envoy answers for an InferenceService; no slash at its end."""
    return f"/serving/{namespace}/{name}"


def previous_path(namespace: str, name: str) -> str:
    """Path of the revision tagged `prev`, which is reached whatever its weight."""
    return service_path(namespace, f"prev-{name}{_SERVICE_SUFFIX}")


def cluster_name(namespace: str, revision: str) -> str:
    """Name of the Envoy cluster of a revision."""
    return f"{namespace}/{revision}"


def build(
    services: Sequence[Service],
    http_routes: Sequence[Mapping[str, Any]],
    activator_port: int,
    leaving: Set[ServerKey] = frozenset(),
    sleeping: Set[ServerKey] = frozenset(),
) -> Routing:
    """The whole routing. The clusters of `leaving` shall go, for nobody needs them any more.

    A revision without a ready server, or whose server is about to sleep, is reached through the
    activator.
    """
    clusters = [
        Cluster(
            cluster_name(service.namespace, revision.name),
            activator_port if (service.uid, revision.name) in sleeping else _port(revision, activator_port),
        )
        for service in services
        for revision in service.revisions
        if _has_cluster(service, revision) and (service.uid, revision.name) not in leaving
    ]
    find_backend = backend_finder(services)
    routes = [
        *(route for service in services for route in _service_routes(service)),
        *(route for each in http_routes for route in gateway.routes(each, find_backend)),
    ]
    return Routing((*clusters, Cluster(gateway.NOBODY, None)), tuple(routes))


def _port(revision: Revision, activator_port: int) -> int:
    pod = revision.pod
    return pod.port if pod is not None and pod.port is not None else activator_port


def _has_cluster(service: Service, revision: Revision) -> bool:
    in_traffic = {share.revision_name for share in (*service.effective, *shares_in_force(service))}
    ready = revision.pod is not None and revision.pod.phase is Phase.READY
    return ready or revision.name in in_traffic


def _service_routes(service: Service) -> Iterable[Route]:
    shares = shares_in_force(service)
    if not shares:
        if service.routed:
            # The route outlives the Deployments behind it: it answers 503, which is what no backends do.
            yield Route(f"{service_path(service.namespace, service.name)}/", ())
        return
    yield Route(f"{service_path(service.namespace, service.name)}/", _backends(service, shares))
    for share in shares:
        if share.tag is not None:
            all_of_it = share.model_copy(update={"percent": 100})
            path = previous_path(service.namespace, service.name)
            yield Route(f"{path}/", _backends(service, (all_of_it,)))


def _backends(service: Service, shares: Iterable[Share]) -> tuple[Backend, ...]:
    percents: dict[str, int] = {}
    for share in shares:
        percents[share.revision_name] = percents.get(share.revision_name, 0) + share.percent
    return tuple(
        Backend(
            cluster_name(service.namespace, revision),
            percent,
            ((NAMESPACE_HEADER, service.namespace), (REVISION_HEADER, revision)),
        )
        for revision, percent in percents.items()
    )


def backend_finder(services: Sequence[Service]) -> gateway.FindBackend:
    """What the Services lead to that KServe creates: `<name>-predictor`, and in Standard mode one for each
    canary."""
    ready = {
        cluster_name(service.namespace, revision.name)
        for service in services
        for revision in service.revisions
        if revision.pod is not None and revision.pod.phase is Phase.READY
    }
    by_name = {
        (service.namespace, name): (service, shares)
        for service in services
        for name, shares in _kubernetes_services(service).items()
    }

    def find(namespace: str, name: str) -> tuple[Backend, ...] | None:
        if (namespace, name) not in by_name:
            return None
        backends = _backends(*by_name[(namespace, name)])
        return tuple(replace(each, ready=each.cluster in ready) for each in backends)

    return find


def _kubernetes_services(service: Service) -> Mapping[str, tuple[Share, ...]]:
    match service.mode:
        case DeploymentMode.STANDARD:
            return deployments.services(service)
        case DeploymentMode.KNATIVE:
            return {f"{service.name}{_SERVICE_SUFFIX}": shares_in_force(service)}
