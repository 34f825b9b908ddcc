"""Envoy's resources as plain data: clusters of one server each, routes with weights. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn_devcluster.ports import LOOPBACK

ROUTES_NAME = "serving"
# Answers with the version of the routes that the worker thread itself uses: the only honest witness
# that a weight is in force, for the admin interface speaks for the main thread.
VERSION_PATH = "/-/routes-version"

_TYPE = "type.googleapis.com/envoy"
_MANAGER = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


@dataclass(frozen=True)
class Cluster:
    """One backend; `port` None means that it has no endpoint and answers 503."""

    name: str
    port: int | None


@dataclass(frozen=True)
class Backend:
    """A cluster, its weight, and a header the request gets on its way there.

    `ready` is False while requests have to be held until its server is up.
    """

    cluster: str
    weight: int
    headers: tuple[tuple[str, str], ...] = ()
    ready: bool = True


@dataclass(frozen=True)
class Mirror:
    """A cluster that gets copies of requests; `millionths` of them. Its answers are thrown away."""

    cluster: str
    millionths: int


@dataclass(frozen=True)
class Route:
    """Requests below `prefix` (which ends with /), of any host when `hosts` is empty.

    The prefix is replaced by `replacement`; None leaves the path alone. `exact` matches the path itself
    only. Each of `mirrors` gets copies, whichever backend answers. `headers` are set on every request and so on
    its copies.
    """

    prefix: str
    backends: tuple[Backend, ...]
    replacement: str | None = "/"
    hosts: tuple[str, ...] = ()
    exact: bool = False
    mirrors: tuple[Mirror, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Routing:
    """All that Envoy has to know."""

    clusters: tuple[Cluster, ...] = ()
    routes: tuple[Route, ...] = ()


def bootstrap(folder: Path, admin_address_port: int) -> dict[str, Any]:
    """Envoy's start configuration; listeners, routes and clusters come from files in `folder`."""

    def file(name: str) -> dict[str, Any]:
        return {"resource_api_version": "V3", "path_config_source": {"path": str(folder / name)}}

    return {
        "node": {"id": "devcluster", "cluster": "devcluster"},
        "admin": {"address": _socket(admin_address_port)},
        "dynamic_resources": {"lds_config": file("lds.json"), "cds_config": file("cds.json")},
        # A reload must never cut a connection short.
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {}}]},
    }


def listeners(folder: Path, port: int, version: str) -> dict[str, Any]:
    """LDS: the one listener, whose routes come from rds.json."""
    manager = {
        "@type": f"{_TYPE}.{_MANAGER}",
        "stat_prefix": "serving",
        "strip_any_host_port": True,
        "normalize_path": True,
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{_TYPE}.extensions.filters.http.router.v3.Router"},
            }
        ],
        "rds": {
            "route_config_name": ROUTES_NAME,
            "config_source": {
                "resource_api_version": "V3",
                "path_config_source": {"path": str(folder / "rds.json")},
            },
        },
    }
    listener = {
        "@type": f"{_TYPE}.config.listener.v3.Listener",
        "name": "serving",
        "address": _socket(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"version_info": version, "resources": [listener]}


def clusters(each: Iterable[Cluster], version: str) -> dict[str, Any]:
    """CDS."""
    return {"version_info": version, "resources": [_cluster(cluster) for cluster in each]}


def _cluster(cluster: Cluster) -> dict[str, Any]:
    endpoints = [] if cluster.port is None else [{"endpoint": {"address": _socket(cluster.port)}}]
    options = {
        "@type": f"{_TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions",
        # Below the 5 s after which uvicorn closes an idle connection: else a request may meet the close.
        "common_http_protocol_options": {"idle_timeout": "2s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    return {
        "@type": f"{_TYPE}.config.cluster.v3.Cluster",
        "name": cluster.name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        "load_assignment": {
            "cluster_name": cluster.name,
            "endpoints": [{"lb_endpoints": endpoints}],
        },
    }


def routes(each: Sequence[Route], version: str) -> dict[str, Any]:
    """RDS: one virtual host a host name; those without one apply to every host."""
    anywhere = [route for route in each if not route.hosts]
    hosts = sorted({host for route in each for host in route.hosts})
    virtual_hosts = [
        _virtual_host(host, [route for route in each if host in route.hosts or not route.hosts], version)
        for host in hosts
    ]
    virtual_hosts.append(_virtual_host("*", anywhere, version))
    configuration = {
        "@type": f"{_TYPE}.config.route.v3.RouteConfiguration",
        "name": ROUTES_NAME,
        "virtual_hosts": virtual_hosts,
        "validate_clusters": False,
    }
    return {"version_info": version, "resources": [configuration]}


def _virtual_host(host: str, each: Sequence[Route], version: str) -> dict[str, Any]:
    # As in the Gateway API: an exact path before a prefix, a longer prefix before a shorter one.
    ordered = sorted(each, key=lambda route: (not route.exact, -len(route.prefix), not route.hosts))
    witness = {
        "match": {"path": VERSION_PATH},
        "direct_response": {"status": 200, "body": {"inline_string": version}},
    }
    return {"name": host, "domains": [host], "routes": [witness, *(_route(route) for route in ordered)]}


def _route(route: Route) -> dict[str, Any]:
    match = {"path": route.prefix} if route.exact else {"prefix": route.prefix}
    weighted = [_backend(backend) for backend in route.backends if backend.weight > 0]
    if not weighted:
        return {"match": match, "direct_response": {"status": 503}}
    action: dict[str, Any] = {
        "weighted_clusters": {"clusters": weighted},
        "timeout": "300s",
        # Only failures of which no byte reached the server; none that would hide an error.
        "retry_policy": {"retry_on": "connect-failure,refused-stream", "num_retries": 2},
    }
    if route.replacement is not None:
        action["prefix_rewrite"] = route.replacement
    if route.mirrors:
        action["request_mirror_policies"] = [_mirror(mirror) for mirror in route.mirrors]
    headers = {"request_headers_to_add": _headers(route.headers)} if route.headers else {}
    return {"match": match, "route": action, **headers}


def _backend(backend: Backend) -> dict[str, Any]:
    weighted: dict[str, Any] = {"name": backend.cluster, "weight": backend.weight}
    if backend.headers:
        weighted["request_headers_to_add"] = _headers(backend.headers)
    return weighted


def _headers(each: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"} for key, value in each
    ]


def _mirror(mirror: Mirror) -> dict[str, Any]:
    share = {"numerator": mirror.millionths, "denominator": "MILLION"}
    # Else Envoy appends "-shadow" to the Host of the copy, and the shadow would see another request. Envoy Gateway
    # configures it like this from 1.6 on.
    return {
        "cluster": mirror.cluster,
        "runtime_fraction": {"default_value": share},
        "disable_shadow_host_suffix_append": True,
    }


def _socket(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}
