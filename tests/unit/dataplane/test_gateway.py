"""HTTPRoutes as Envoy routes, and their status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from churn_devcluster.dataplane import envoy_config, gateway
from churn_devcluster.dataplane.envoy_config import Backend, Mirror, Route

NOW = datetime(2026, 11, 24, tzinfo=UTC)
REWRITE = {
    "type": "URLRewrite",
    "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}},
}


def find(namespace: str, name: str) -> tuple[Backend, ...] | None:
    known = {
        "a-predictor": (Backend("n/a", 100),),
        "starting-predictor": (Backend("n/starting", 100, ready=False),),
        "pending-predictor": (),
    }
    return known.get(name) if namespace == "n" else None


def http_route(*backends: tuple[str, int], path: Any = None, filters: Any = (REWRITE,), **spec: Any) -> dict[str, Any]:
    rule = {
        "matches": [{"path": path or {"type": "PathPrefix", "value": "/serving/n/m"}}],
        "filters": list(filters),
        "backendRefs": [{"name": name, "weight": weight} for name, weight in backends],
    }
    return {
        "metadata": {"name": "m", "namespace": "n", "generation": 3},
        "spec": {"parentRefs": [{"name": "gateway"}], "rules": [rule], **spec},
    }


def test_a_prefix_matches_whole_path_segments_and_is_replaced() -> None:
    backends = (Backend("n/a", 7000),)
    assert gateway.routes(http_route(("a-predictor", 70)), find) == (
        Route("/serving/n/m", backends, replacement="/", exact=True),
        Route("/serving/n/m/", backends, replacement="/"),
    )


def test_without_a_rewrite_the_path_stays() -> None:
    assert [each.replacement for each in gateway.routes(http_route(("a-predictor", 1), filters=()), find)] == [
        None,
        None,
    ]


@pytest.mark.parametrize("service", ["pending-predictor", "unknown-predictor"])
def test_the_weight_of_a_service_that_cannot_answer_is_kept(service: str) -> None:
    route = gateway.routes(http_route(("a-predictor", 70), (service, 30)), find)[1]
    assert route.backends == (Backend("n/a", 7000), Backend(gateway.NOBODY, 3000))


def test_an_exact_path_is_one_route() -> None:
    routes = gateway.routes(http_route(("a-predictor", 1), path={"type": "Exact", "value": "/x"}), find)
    assert [(each.prefix, each.exact) for each in routes] == [("/x", True)]


def test_a_path_that_envoy_would_refuse_is_left_out_and_reported() -> None:
    bad = http_route(("a-predictor", 1), path={"type": "RegularExpression", "value": "("})
    assert gateway.routes(bad, find) == ()
    accepted = gateway.status(bad, find, NOW)["parents"][0]["conditions"][0]
    assert (accepted["status"], accepted["reason"]) == ("False", "UnsupportedValue")


def test_status_speaks_of_the_generation_and_keeps_its_times() -> None:
    route = http_route(("a-predictor", 1))
    first = gateway.status(route, find, NOW)
    conditions = first["parents"][0]["conditions"]
    assert [(each["type"], each["status"]) for each in conditions] == [
        ("Accepted", "True"),
        ("ResolvedRefs", "True"),
    ]
    assert {each["observedGeneration"] for each in conditions} == {3}
    assert gateway.status({**route, "status": first}, find, NOW + timedelta(hours=1)) == first


def test_an_unknown_service_is_named() -> None:
    resolved = gateway.status(http_route(("gone-predictor", 1)), find, NOW)["parents"][0]["conditions"][1]
    assert (resolved["status"], resolved["reason"]) == ("False", "BackendNotFound")
    assert resolved["message"] == "Service n/gone-predictor not found"


def test_longer_prefixes_and_exact_paths_come_first() -> None:
    backend = (Backend("n/a", 100),)
    table = envoy_config.routes([Route("/a/", backend), Route("/a/b/", backend), Route("/a", backend, exact=True)], "1")
    matches = [each["match"] for each in table["resources"][0]["virtual_hosts"][0]["routes"]]
    assert matches[1:] == [{"path": "/a"}, {"prefix": "/a/b/"}, {"prefix": "/a/"}]


def test_a_host_sees_its_own_routes_and_those_of_everyone() -> None:
    backend = (Backend("n/a", 100),)
    routes = [Route("/x/", backend), Route("/y/", backend, hosts=("h.example",))]
    hosts = {
        each["name"]: [route["match"].get("prefix") for route in each["routes"][1:]]
        for each in envoy_config.routes(routes, "1")["resources"][0]["virtual_hosts"]
    }
    assert hosts == {"h.example": ["/y/", "/x/"], "*": ["/x/"]}


def test_weight_zero_is_no_cluster_and_none_at_all_is_a_503() -> None:
    table = envoy_config.routes(
        [Route("/x/", (Backend("a", 0), Backend("b", 100))), Route("/y/", (Backend("a", 0),))], "1"
    )
    x, y = table["resources"][0]["virtual_hosts"][0]["routes"][1:]
    assert [each["name"] for each in x["route"]["weighted_clusters"]["clusters"]] == ["b"]
    assert y["direct_response"] == {"status": 503}


def mirror(service: str = "a-predictor", **share: Any) -> dict[str, Any]:
    return {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": service, "port": 80}, **share}}


@pytest.mark.parametrize(
    ("share", "millionths"),
    [
        ({}, 1_000_000),
        ({"percent": 0}, 0),
        ({"percent": 25}, 250_000),
        ({"fraction": {"numerator": 5}}, 50_000),
        ({"fraction": {"numerator": 1, "denominator": 3}}, 333_333),
    ],
)
def test_a_mirror_gets_its_share_of_every_path_of_the_rule(share: Any, millionths: int) -> None:
    routes = gateway.routes(http_route(("a-predictor", 1), filters=(REWRITE, mirror(**share))), find)
    assert [each.mirrors for each in routes] == [(Mirror("n/a", millionths),)] * 2
    assert [each.replacement for each in routes] == ["/", "/"]


@pytest.mark.parametrize("service", ["starting-predictor", "pending-predictor", "gone-predictor"])
def test_nothing_is_mirrored_to_a_service_that_is_not_ready(service: str) -> None:
    routes = gateway.routes(http_route(("a-predictor", 1), filters=(mirror(service),)), find)
    assert [each.mirrors for each in routes] == [(), ()]
    assert {each.backends for each in routes} == {(Backend("n/a", 100),)}


def test_an_unknown_mirror_is_reported_like_an_unknown_backend() -> None:
    route = http_route(("a-predictor", 1), filters=(mirror("gone-predictor"),))
    resolved = gateway.status(route, find, NOW)["parents"][0]["conditions"][1]
    assert (resolved["status"], resolved["reason"]) == ("False", "BackendNotFound")
    assert resolved["message"] == "Service n/gone-predictor not found"


def test_envoy_copies_the_request_unchanged() -> None:
    route = Route("/x/", (Backend("a", 100),), mirrors=(Mirror("b", 250_000),))
    action = envoy_config.routes([route], "1")["resources"][0]["virtual_hosts"][0]["routes"][1]["route"]
    assert action["request_mirror_policies"] == [
        {
            "cluster": "b",
            "runtime_fraction": {"default_value": {"numerator": 250_000, "denominator": "MILLION"}},
            "disable_shadow_host_suffix_append": True,
        }
    ]


def test_headers_are_set_on_every_path_of_the_rule() -> None:
    modifier = {"set": [{"name": "x-a", "value": "1"}, {"name": "x-b", "value": "2"}]}
    filters = (REWRITE, {"type": "RequestHeaderModifier", "requestHeaderModifier": modifier})
    routes = gateway.routes(http_route(("a-predictor", 1), filters=filters), find)
    assert [each.headers for each in routes] == [(("x-a", "1"), ("x-b", "2"))] * 2


def test_envoy_sets_a_routes_headers_over_those_of_clients() -> None:
    route = Route("/x/", (Backend("a", 100),), headers=(("x-a", "1"),))
    written = envoy_config.routes([route], "1")["resources"][0]["virtual_hosts"][0]["routes"][1]
    assert written["request_headers_to_add"] == [
        {"header": {"key": "x-a", "value": "1"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    ]
