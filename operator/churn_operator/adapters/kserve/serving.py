"""The Serving port over KServe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from churn_operator.adapters.aged import Aged
from churn_operator.adapters.kserve import canary_list, gateway, knative
from churn_operator.adapters.kserve.driver import detect_driver, has_canary_list
from churn_operator.adapters.kserve.known import KnownService, KnownServices, known_service
from churn_operator.adapters.kserve.known_versions import KnownVersions, is_owned
from churn_operator.adapters.kserve.predictor import API_VERSION, MODEL_LABEL, Environment, model_name_of
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.core.canary_list import CanaryListObservation
from churn_operator.core.knative import KnativeObservation
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import (
    CanaryListStep,
    KnativeStep,
    RemoveVersionServiceStep,
    RouteStep,
    ServedVersion,
    ServingStep,
    TrafficObservation,
    VersionServiceStep,
)
from churn_operator.errors import Conflict, NotFound, Rejected
from churn_operator.settings import Settings

Seen = TypeVar("Seen", KnativeObservation, CanaryListObservation)

SOURCE = "KServe"

_GATEWAY_SECONDS = 60.0
_CANARY_LIST_SECONDS = 600.0


class KServeServing:
    """InferenceServices, applied as `churnmodel-operator` and read from the watch where it has them."""

    def __init__(self, settings: Settings, api: KubernetesApi) -> None:
        self._settings = settings
        self._api = api
        self._known = KnownServices()
        self._versions = KnownVersions()
        self._gateway = gateway.Gateway(settings.gateway_name, settings.gateway_namespace)
        self._gateway_url: Aged[str | None] = Aged(self._read_gateway_url)
        self._has_canary_list = Aged(partial(has_canary_list, api))

    def seen(self, raw: Mapping[str, Any], deleted: bool = False) -> None:
        """Take in an object from the watch of InferenceServices and HTTPRoutes with our label, or our own write's."""
        self._known.seen(raw, deleted)
        self._versions.seen(raw, deleted)

    def names(self) -> dict[tuple[str, ObjectKey], ObjectKey]:
        """See ports.ServingKnowledge."""
        return {**self._known.names(), **self._versions.names()}

    def forget(self, key: ObjectKey) -> None:
        """A ChurnModel is gone, or what serves it was taken away: ask the API server next time."""
        self._known.forget(key)
        self._versions.forget(key)

    async def detect_driver(self) -> str:
        """The setting, or what the cluster has: see driver.py."""
        return await detect_driver(self._settings, self._api)

    async def observe(self, key: ObjectKey, driver: str) -> TrafficObservation | None:
        """See ports.Serving."""
        match driver:
            case "knative":
                return _expect(await self._service(key), KnativeObservation)
            case "canary":
                return _expect(await self._service(key), CanaryListObservation)
            case "gateway":
                return await self._observe_gateway(key)
            case _:
                raise Rejected(SOURCE, f"there is no traffic driver {driver!r}: use knative, gateway or canary")

    async def apply(self, key: ObjectKey, uid: str, driver: str, step: ServingStep) -> None:
        """See ports.Serving. An object of the same name that is not ours is left alone: Rejected."""
        try:
            match driver, step:
                case "knative", KnativeStep():
                    await self._apply_knative(key, uid, step)
                case "canary", CanaryListStep():
                    await self._apply_canary_list(key, uid, step)
                case "gateway", VersionServiceStep():
                    manifest = gateway.service_manifest(key, uid, step)
                    await self._refuse_foreign_service(key, manifest["metadata"]["name"])
                    self.seen(await self._api.apply(_service_path(key, manifest["metadata"]["name"]), manifest))
                case "gateway", RouteStep():
                    await self._refuse_foreign_route(key)
                    manifest = gateway.route_manifest(key, uid, step, self._gateway)
                    self.seen(await self._api.apply(_route_path(key), manifest))
                case "gateway", RemoveVersionServiceStep():
                    name = gateway.service_name(key, step.number)
                    await self._api.delete(_service_path(key, name))
                    self._versions.removed(key, name)
                case _:
                    raise Rejected(SOURCE, f"the traffic driver {driver!r} has no step {type(step).__name__}")
        except NotFound as error:
            raise Rejected(SOURCE, f"{error.message}: is KServe (and its Gateway API) installed?") from error

    async def delete(self, key: ObjectKey, driver: str) -> None:
        """See ports.Serving. All InferenceServices with our label go, whichever driver made them."""
        route = await self._api.get(_route_path(key)) if driver == "gateway" else None
        if route is not None and is_owned(route, key):
            await self._api.delete(_route_path(key))
        for raw in await self._list(key):
            await self._api.delete(_service_path(key, raw["metadata"]["name"]))
        self.forget(key)

    async def _apply_knative(self, key: ObjectKey, uid: str, step: KnativeStep) -> None:
        known = await self._service(key)
        if known is None:
            await self._refuse_foreign_service(key, key.name)
        environment: Environment = () if known is None else known.kept.environment
        if not step.version.sha256:
            observation = _expect(known, KnativeObservation)
            _refuse_change(step.version, observation.uri if observation else None)
        manifest = knative.manifest(key, uid, step, environment)
        self.seen(await self._api.apply(_service_path(key, key.name), manifest))

    async def _apply_canary_list(self, key: ObjectKey, uid: str, step: CanaryListStep) -> None:
        if not await self._has_canary_list.get(_CANARY_LIST_SECONDS):
            raise Rejected(
                SOURCE,
                "the installed InferenceService has no spec.canary with status.canaryStatuses: "
                "set serving.trafficDriver to gateway or knative, or upgrade KServe",
            )
        known = await self._service(key)
        if known is None:
            await self._refuse_foreign_service(key, key.name)
        if not step.stable.sha256:
            observation = _expect(known, CanaryListObservation)
            _refuse_change(step.stable, observation.predictor.uri if observation else None)
        manifest = canary_list.manifest(key, uid, step, known.kept if known else canary_list.Kept())
        self.seen(await self._api.apply(_service_path(key, key.name), manifest))

    async def _service(self, key: ObjectKey) -> KnownService | None:
        """The InferenceService of the ChurnModel's own name, from the watch if it has shown it."""
        known = self._known.get(key)
        if known is not None:
            return known
        raw = await self._api.get(_service_path(key, key.name))
        if raw is None or model_name_of(raw) != key.name:
            return None
        self._known.seen(raw)
        return self._known.get(key) or known_service(raw)

    async def _observe_gateway(self, key: ObjectKey) -> TrafficObservation | None:
        known = self._versions.get(key)
        if known is None:
            self._versions.begin(key)
            self._versions.finish(key, await self._list(key), await self._api.get(_route_path(key)))
            known = self._versions.get(key)
        services, route = known or ((), None)
        url = await self._gateway_address(key) if route is not None else None
        return gateway.observed(services, route, url)

    async def _gateway_address(self, key: ObjectKey) -> str | None:
        base = self._settings.service_url_prefix or await self._gateway_url.get(_GATEWAY_SECONDS)
        return base.rstrip("/") + gateway.path_of(key) if base else None

    async def _read_gateway_url(self) -> str | None:
        name, namespace = self._gateway.name, self._gateway.namespace
        raw = await self._api.get(f"/apis/{gateway.ROUTE_API_VERSION}/namespaces/{namespace}/gateways/{name}")
        return gateway.url_of(raw) if raw else None

    async def _list(self, key: ObjectKey) -> list[dict[str, Any]]:
        listed = await self._api.get(_services_path(key), labelSelector=f"{MODEL_LABEL}={key.name}")
        items: list[dict[str, Any]] = listed["items"] if listed else []
        return items

    async def _refuse_foreign_service(self, key: ObjectKey, name: str) -> None:
        raw = await self._api.get(_service_path(key, name))
        if raw is not None and model_name_of(raw) != key.name:
            raise Rejected(
                SOURCE,
                f"the InferenceService {key.namespace}/{name} is there already and not this ChurnModel's: "
                "remove it or rename the ChurnModel",
            )

    async def _refuse_foreign_route(self, key: ObjectKey) -> None:
        raw = await self._api.get(_route_path(key))
        if raw is not None and not is_owned(raw, key):
            raise Rejected(
                SOURCE,
                f"the HTTPRoute {key} is there already and not this ChurnModel's: remove it or rename the ChurnModel",
            )


def _expect(known: KnownService | None, kind: type[Seen]) -> Seen | None:
    """The observation, if it is of this kind. Rejected where the InferenceService was made for another driver."""
    if known is None:
        return None
    if isinstance(known.observation, kind):
        return known.observation
    raise Rejected(
        SOURCE,
        "the InferenceService was made for another traffic driver, and KServe lets nobody change its deployment mode: "
        "set serving.trafficDriver back, or make a ChurnModel of another name",
    )


def _refuse_change(kept: ServedVersion, uri: str | None) -> None:
    """A step that names only a URI is about what is there: Conflict where that has changed."""
    if uri != kept.uri:
        raise Conflict(SOURCE, "the model URI has changed since it was looked at")


def _services_path(key: ObjectKey) -> str:
    return f"/apis/{API_VERSION}/namespaces/{key.namespace}/inferenceservices"


def _service_path(key: ObjectKey, name: str) -> str:
    return f"{_services_path(key)}/{name}"


def _route_path(key: ObjectKey) -> str:
    return f"/apis/{gateway.ROUTE_API_VERSION}/namespaces/{key.namespace}/httproutes/{key.name}"
