"""The Gateway API driver's manifests and readings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.adapters.kserve.gateway import (
    Gateway,
    number_of,
    observation,
    route_manifest,
    service_manifest,
    url_of,
)
from churn_operator.core.gateway import VersionService
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import (
    Arrangement,
    PredictorSettings,
    Readiness,
    RouteStep,
    ServedVersion,
    VersionServiceStep,
)

pytestmark = pytest.mark.unit

_GOLDEN = Path(__file__).parent / "golden"
_KEY = ObjectKey("shop", "telco")
_SETTINGS = PredictorSettings(runtime="churn-serving")
_TWO = ServedVersion(2, "s3://mlops/churn/shop/telco/4567/1/model", "bbbb")
_GATEWAY = Gateway("kserve-ingress-gateway", "kserve")

Object = dict[str, Any]


def _golden(name: str) -> Object:
    content: Object = yaml.safe_load((_GOLDEN / name).read_text())
    return content


def _service(ready: str | None = "True", transition: str = "UpToDate") -> Object:
    raw = service_manifest(_KEY, "5f0c", VersionServiceStep(_TWO, _SETTINGS))
    if ready is not None:
        raw["status"] = {
            "observedGeneration": 99,
            "conditions": [
                {"type": "Ready", "status": ready, "reason": "AReason", "message": "a message"},
                {"type": "Stopped", "status": "False"},
            ],
            "modelStatus": {
                "transitionStatus": transition,
                "lastFailureInfo": {"reason": "ModelLoadFailed", "message": "no such file"},
            },
        }
    return raw


def _route(weights: tuple[tuple[int, int], ...] = ((1, 90), (2, 10)), **condition: Any) -> Object:
    raw = route_manifest(_KEY, "5f0c", RouteStep(weights), _GATEWAY)
    raw["metadata"]["generation"] = 4
    accepted = {"type": "Accepted", "status": "True", "observedGeneration": 4, **condition}
    raw["status"] = {"parents": [{"conditions": [accepted]}]}
    return raw


def test_the_manifest_of_a_version_is_the_golden_one() -> None:
    assert service_manifest(_KEY, "5f0c", VersionServiceStep(_TWO, _SETTINGS)) == _golden("gateway-version.yaml")


def test_a_version_that_is_compared_knows_the_other_ones_service() -> None:
    step = VersionServiceStep(_TWO, _SETTINGS, compared_with=1)
    assert service_manifest(_KEY, "5f0c", step) == _golden("gateway-compared-version.yaml")


@pytest.mark.parametrize("number", [None, 1, 12])
def test_whom_a_version_is_compared_with_is_read_as_it_was_written(number: int | None) -> None:
    raw = service_manifest(_KEY, "5f0c", VersionServiceStep(_TWO, _SETTINGS, number))
    read = observation(_KEY, [raw], None, None)
    assert read is not None
    assert [service.compared_with for service in read.services] == [number]


def test_the_route_is_the_golden_one() -> None:
    assert route_manifest(_KEY, "5f0c", RouteStep(((1, 90), (2, 10))), _GATEWAY) == _golden("gateway-route.yaml")


def test_a_mirror_is_a_filter_of_the_golden_route() -> None:
    step = RouteStep(((1, 100),), mirror=(2, 25))
    assert route_manifest(_KEY, "5f0c", step, _GATEWAY) == _golden("gateway-mirror.yaml")


@pytest.mark.parametrize("mirror", [None, (2, 25), (12, 100)])
def test_the_mirror_that_was_written_is_read(mirror: tuple[int, int] | None) -> None:
    route = route_manifest(_KEY, "5f0c", RouteStep(((1, 100),), mirror), _GATEWAY)
    read = observation(_KEY, [], route, None)
    assert read is not None
    assert (read.weights, read.mirror) == (((1, 100),), mirror)


def test_a_mirror_without_a_percentage_is_of_everything_and_others_mirrors_are_not_ours() -> None:
    route = route_manifest(_KEY, "5f0c", RouteStep(((1, 100),), (2, 25)), _GATEWAY)
    mirror = route["spec"]["rules"][0]["filters"][2]["requestMirror"]
    del mirror["percent"]
    read = observation(_KEY, [], route, None)
    assert read is not None
    assert read.mirror == (2, 100)
    mirror["backendRef"]["name"] = "theirs"
    read = observation(_KEY, [], route, None)
    assert read is not None
    assert read.mirror is None


def test_standard_mode_ignores_the_canary_percentage_so_it_is_not_written() -> None:
    predictor = service_manifest(_KEY, "u", VersionServiceStep(_TWO, _SETTINGS))["spec"]["predictor"]
    assert "canaryTrafficPercent" not in predictor


@pytest.mark.parametrize(
    ("ready", "transition", "readiness", "message"),
    [
        (None, "", Readiness.PROGRESSING, ""),
        ("Unknown", "", Readiness.PROGRESSING, ""),
        ("Unknown", "InvalidSpec", Readiness.FAILED, "ModelLoadFailed: no such file"),
        ("False", "InProgress", Readiness.PROGRESSING, "ModelLoadFailed: no such file"),
        ("True", "UpToDate", Readiness.READY, ""),
        ("True", "InProgress", Readiness.READY, ""),
        ("True", "BlockedByFailedLoad", Readiness.FAILED, "ModelLoadFailed: no such file"),
    ],
)
def test_readiness_of_a_version(ready: str | None, transition: str, readiness: Readiness, message: str) -> None:
    read = observation(_KEY, [_service(ready, transition)], None, None)
    assert read is not None
    assert read.services == (VersionService(2, _TWO.uri, _SETTINGS, readiness, message),)


def test_nothing_is_none() -> None:
    assert observation(_KEY, [], None, "http://gateway/serving/shop/telco") is None


def test_weights_and_url_are_the_routes() -> None:
    read = observation(_KEY, [_service()], _route(), "http://gateway/serving/shop/telco")
    assert read is not None
    assert read.weights == ((1, 90), (2, 10))
    assert read.url == "http://gateway/serving/shop/telco"


def test_no_route_has_no_url_and_is_not_accepted() -> None:
    read = observation(_KEY, [_service()], None, "http://gateway/serving/shop/telco")
    assert read is not None
    assert (read.weights, read.accepted, read.url) == ((), False, None)


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [({}, True), ({"status": "False"}, False), ({"observedGeneration": 3}, False), ({"type": "Other"}, False)],
)
def test_a_route_is_accepted_as_it_is_now_or_not_at_all(condition: Object, accepted: bool) -> None:
    read = observation(_KEY, [], _route(**condition), None)
    assert read is not None
    assert read.accepted is accepted


def test_a_route_whose_backends_are_missing_is_not_accepted() -> None:
    route = _route()
    unresolved = {"type": "ResolvedRefs", "status": "False", "observedGeneration": 4}
    route["status"]["parents"][0]["conditions"].append(unresolved)
    read = observation(_KEY, [], route, None)
    assert read is not None
    assert not read.accepted


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["metadata"].update(name="telco"),
        lambda raw: raw["metadata"].update(name="other-v2"),
        lambda raw: raw["metadata"]["labels"].clear(),
        lambda raw: raw["metadata"].update(deletionTimestamp="2026-08-01T00:00:00Z"),
    ],
)
def test_other_services_are_no_version(change: Callable[[Object], object]) -> None:
    raw = _service()
    change(raw)
    read = observation(_KEY, [raw], _route(), None)
    assert read is not None
    assert read.services == ()


@pytest.mark.parametrize(
    ("name", "number"),
    [("telco-v1", 1), ("telco-v12", 12), ("telco", None), ("telco-v0", None), ("telco-vx", None), ("a-telco-v1", None)],
)
def test_the_version_is_in_the_name(name: str, number: int | None) -> None:
    assert number_of(_KEY, name) == number


@pytest.mark.parametrize(
    ("listener", "url"),
    [
        ({"protocol": "HTTP", "port": 80}, "http://10.0.0.1"),
        ({"protocol": "HTTP", "port": 8080}, "http://10.0.0.1:8080"),
        ({"protocol": "HTTPS", "port": 443}, "https://10.0.0.1"),
    ],
)
def test_the_gateways_address_is_the_base_of_the_url(listener: Object, url: str) -> None:
    assert url_of({"spec": {"listeners": [listener]}, "status": {"addresses": [{"value": "10.0.0.1"}]}}) == url


def test_an_ipv6_address_is_bracketed() -> None:
    addresses, listeners = [{"value": "fd00::1"}], [{"protocol": "HTTP", "port": 8080}]
    assert url_of({"spec": {"listeners": listeners}, "status": {"addresses": addresses}}) == "http://[fd00::1]:8080"


@pytest.mark.parametrize("raw", [{}, {"spec": {"listeners": []}}, {"status": {"addresses": [{"value": "x"}]}}])
def test_a_gateway_without_an_address_has_no_url(raw: Object) -> None:
    assert url_of(raw) is None


def _with_foreign_backend(route: Object) -> Object:
    route["spec"]["rules"][0]["backendRefs"].append({"name": "canary-of-mine", "port": 80, "weight": 100})
    return route


def _with_foreign_rule(route: Object) -> Object:
    rule = {"matches": [{"path": {"value": "/v2"}}], "backendRefs": [{"name": "telco-v1-predictor", "port": 80}]}
    route["spec"]["rules"].append(rule)
    return route


@pytest.mark.parametrize("meddle", [_with_foreign_backend, _with_foreign_rule])
def test_what_somebody_adds_to_the_route_takes_traffic_and_is_put_right(meddle: Callable[[Object], Object]) -> None:
    one = ServedVersion(1, "s3://mlops/churn/shop/telco/1234/1/model", "aaaa")
    services = [service_manifest(_KEY, "5f0c", VersionServiceStep(each, _SETTINGS)) for each in (one, _TWO)]
    for service in services:
        service["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    wish = Arrangement(one, _TWO, 10, _SETTINGS)
    untouched = observation(_KEY, services, _route(), None)
    assert untouched is not None
    assert untouched.step_towards(wish, "") is None
    meddled = observation(_KEY, services, meddle(_route()), None)
    assert meddled is not None
    assert not meddled.in_effect(wish, "")
    assert meddled.step_towards(wish, "") == RouteStep(((1, 90), (2, 10)))


def test_what_somebody_added_is_never_wished_for() -> None:
    nobody_ready = service_manifest(_KEY, "5f0c", VersionServiceStep(_TWO, _SETTINGS))
    seen = observation(_KEY, [nobody_ready], _with_foreign_backend(_route()), None)
    assert seen is not None
    assert seen.step_towards(Arrangement(_TWO, None, 0, _SETTINGS), "") is None
