"""The cache of the Gateway API driver: read once, kept by the watch, complete or not used."""

from __future__ import annotations

from typing import Any

import pytest
from churn_operator.adapters.kserve.gateway import Gateway, route_manifest, service_manifest
from churn_operator.adapters.kserve.known_versions import KnownVersions
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import PredictorSettings, RouteStep, ServedVersion, VersionServiceStep

pytestmark = pytest.mark.unit

_KEY = ObjectKey("shop", "telco")
_SETTINGS = PredictorSettings(runtime="churn-serving")


def _service(number: int, resource_version: int, uri: str = "s3://mlops/a") -> Any:
    step = VersionServiceStep(ServedVersion(number, uri, "aaaa"), _SETTINGS)
    return _at(service_manifest(_KEY, "5f0c", step), resource_version)


def _route(resource_version: int, *weights: tuple[int, int]) -> Any:
    return _at(route_manifest(_KEY, "5f0c", RouteStep(weights), Gateway("a", "b")), resource_version)


def _at(raw: dict[str, Any], resource_version: int) -> dict[str, Any]:
    raw["metadata"]["resourceVersion"] = str(resource_version)
    return raw


def _told(known: KnownVersions) -> tuple[dict[int, str], tuple[tuple[int, int], ...]] | None:
    found = known.get(_KEY)
    if found is None:
        return None
    services, route = found
    return {service.number: service.uri for service in services}, route.weights if route else ()


@pytest.fixture
def known() -> KnownVersions:
    """Two versions and a route, read from the API server."""
    known = KnownVersions()
    known.begin(_KEY)
    known.finish(_KEY, [_service(1, 10), _service(2, 11)], _route(12, (1, 90), (2, 10)))
    return known


def test_what_was_read_is_known(known: KnownVersions) -> None:
    assert _told(known) == ({1: "s3://mlops/a", 2: "s3://mlops/a"}, ((1, 90), (2, 10)))


def test_the_watch_alone_never_is_enough() -> None:
    known = KnownVersions()
    known.seen(_service(1, 10))
    assert _told(known) is None
    known.begin(_KEY)
    known.seen(_service(1, 10))
    assert _told(known) is None


def test_the_watch_keeps_it_up_to_date(known: KnownVersions) -> None:
    known.seen(_service(2, 13, "s3://mlops/b"))
    known.seen(_route(14, (2, 100)))
    known.seen(_service(1, 15), deleted=True)
    assert _told(known) == ({2: "s3://mlops/b"}, ((2, 100),))


def test_a_late_event_does_not_undo_what_we_wrote(known: KnownVersions) -> None:
    known.seen(_route(14, (2, 100)))
    known.seen(_route(13, (1, 50), (2, 50)))
    assert _told(known) == ({1: "s3://mlops/a", 2: "s3://mlops/a"}, ((2, 100),))


def test_what_happens_while_the_api_server_is_asked_counts() -> None:
    known = KnownVersions()
    known.begin(_KEY)
    known.seen(_service(1, 20), deleted=True)
    known.seen(_service(2, 21, "s3://mlops/b"))
    known.finish(_KEY, [_service(1, 10), _service(2, 11)], None)
    assert _told(known) == ({2: "s3://mlops/b"}, ())


def test_a_version_that_terminates_is_gone(known: KnownVersions) -> None:
    going = _service(2, 13)
    going["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"
    known.seen(going)
    assert _told(known) == ({1: "s3://mlops/a"}, ((1, 90), (2, 10)))


def test_our_own_deletion_does_not_wait_for_the_watch(known: KnownVersions) -> None:
    known.removed(_KEY, "telco-v2")
    assert _told(known) == ({1: "s3://mlops/a"}, ((1, 90), (2, 10)))


@pytest.mark.parametrize("change", [{"ownerReferences": []}, {"name": "theirs"}])
def test_a_route_that_is_not_ours_is_none(known: KnownVersions, change: dict[str, Any]) -> None:
    theirs = _route(13, (1, 100))
    theirs["metadata"] |= change
    known.begin(_KEY)
    known.finish(_KEY, [], theirs)
    assert _told(known) == ({}, ())


def test_other_models_objects_pass_by(known: KnownVersions) -> None:
    other = _service(1, 20, "s3://mlops/other")
    other["metadata"] |= {"labels": {"churnops.dev/model": "else"}, "name": "else-v1"}
    known.seen(other)
    unlabelled = _service(1, 21, "s3://mlops/other")
    unlabelled["metadata"]["labels"] = {}
    known.seen(unlabelled)
    assert known.get(ObjectKey("shop", "else")) is None
    assert _told(known) == ({1: "s3://mlops/a", 2: "s3://mlops/a"}, ((1, 90), (2, 10)))


def test_what_is_forgotten_has_to_be_asked(known: KnownVersions) -> None:
    known.forget(_KEY)
    assert known.get(_KEY) is None


def test_what_is_known_has_its_names(known: KnownVersions) -> None:
    known.seen(_service(1, 15), deleted=True)
    service, route = ("InferenceService", ObjectKey("shop", "telco-v2")), ("HTTPRoute", _KEY)
    assert known.names() == {service: _KEY, route: _KEY}
