"""The Serving port over KServe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churn_operator.adapters.aged import Aged
from churn_operator.adapters.kserve import gateway, knative
from churn_operator.adapters.kserve.driver import detect_driver
from churn_operator.adapters.kserve.known import KnownService, KnownServices, known_service
from churn_operator.adapters.kserve.predictor import API_VERSION, MODEL_LABEL, Environment, Object, model_name_of
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.api.v1alpha1.common import KIND
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import (
    KnativeStep,
    RemoveVersionServiceStep,
    RouteStep,
    ServingStep,
    TrafficObservation,
    VersionServiceStep,
)
from churn_operator.errors import Conflict, NotFound, Rejected
from churn_operator.settings import Settings

SOURCE = "KServe"

_GATEWAY_SECONDS = 60.0


class KServeServing:
    """InferenceServices, applied as `churnmodel-operator` and read from the watch where it has them."""

    def __init__(self, settings: Settings, api: KubernetesApi) -> None:
        self._settings = settings
        self._api = api
        self._known = KnownServices()
        self._gateway = gateway.Gateway(settings.gateway_name, settings.gateway_namespace)
        self._gateway_url: Aged[str | None] = Aged(self._read_gateway_url)

    def seen(self, raw: Mapping[str, Any], deleted: bool = False) -> None:
        """Take in an object from the watch of InferenceServices and HTTPRoutes with our label."""
        self._known.seen(raw, deleted)

    async def detect_driver(self) -> str:
        """The setting, or what the cluster has: see driver.py."""
        return await detect_driver(self._settings, self._api)

    async def observe(self, key: ObjectKey, driver: str) -> TrafficObservation | None:
        """See ports.Serving."""
        match driver:
            case "knative":
                known = self._known.get(key) or await self._read(key)
                return known.observation if known else None
            case "gateway":
                return await self._observe_gateway(key)
            case _:
                raise Rejected(SOURCE, f"there is no traffic driver {driver!r}: use knative or gateway")

    async def apply(self, key: ObjectKey, uid: str, driver: str, step: ServingStep) -> None:
        """See ports.Serving. An object of the same name that is not ours is left alone: Rejected."""
        try:
            match driver, step:
                case "knative", KnativeStep():
                    await self._apply_knative(key, uid, step)
                case "gateway", VersionServiceStep():
                    manifest = gateway.service_manifest(key, uid, step)
                    await self._refuse_foreign_service(key, manifest["metadata"]["name"])
                    await self._api.apply(_service_path(key, manifest["metadata"]["name"]), manifest)
                case "gateway", RouteStep():
                    await self._refuse_foreign_route(key)
                    await self._api.apply(_route_path(key), gateway.route_manifest(key, uid, step, self._gateway))
                case "gateway", RemoveVersionServiceStep():
                    await self._api.delete(_service_path(key, gateway.service_name(key, step.number)))
                case _:
                    raise Rejected(SOURCE, f"the traffic driver {driver!r} has no step {type(step).__name__}")
        except NotFound as error:
            raise Rejected(SOURCE, f"{error.message}: is KServe (and its Gateway API) installed?") from error

    async def delete(self, key: ObjectKey, driver: str) -> None:
        """See ports.Serving. All InferenceServices with our label go, whichever driver made them."""
        route = await self._api.get(_route_path(key)) if driver == "gateway" else None
        if route is not None and _is_owned(route, key):
            await self._api.delete(_route_path(key))
        for raw in await self._list(key):
            await self._api.delete(_service_path(key, raw["metadata"]["name"]))
        self._known.forget(key)

    async def _apply_knative(self, key: ObjectKey, uid: str, step: KnativeStep) -> None:
        known = self._known.get(key) or await self._read(key)
        if known is None:
            await self._refuse_foreign_service(key, key.name)
        manifest = knative.manifest(key, uid, step, _kept(step, known))
        self._known.seen(await self._api.apply(_service_path(key, key.name), manifest))

    async def _read(self, key: ObjectKey) -> KnownService | None:
        raw = await self._api.get(_service_path(key, key.name))
        if raw is None or model_name_of(raw) != key.name:
            return None
        self._known.seen(raw)
        return self._known.get(key) or known_service(raw)

    async def _observe_gateway(self, key: ObjectKey) -> TrafficObservation | None:
        route = await self._api.get(_route_path(key))
        if route is not None and not _is_owned(route, key):
            route = None
        return gateway.observation(key, await self._list(key), route, await self._gateway_address(key))

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
        if raw is not None and not _is_owned(raw, key):
            raise Rejected(
                SOURCE,
                f"the HTTPRoute {key} is there already and not this ChurnModel's: remove it or rename the ChurnModel",
            )


def _kept(step: KnativeStep, known: KnownService | None) -> Environment:
    """The environment of a URI that stays; the step knows the URI only. Conflict where it has changed."""
    if step.version.sha256:
        return ()
    if known is None or known.observation.uri != step.version.uri:
        raise Conflict(SOURCE, "the model URI has changed since it was looked at")
    return known.environment


def _is_owned(raw: Object, key: ObjectKey) -> bool:
    owners = raw["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == KIND and owner.get("name") == key.name for owner in owners)


def _services_path(key: ObjectKey) -> str:
    return f"/apis/{API_VERSION}/namespaces/{key.namespace}/inferenceservices"


def _service_path(key: ObjectKey, name: str) -> str:
    return f"{_services_path(key)}/{name}"


def _route_path(key: ObjectKey) -> str:
    return f"/apis/{gateway.ROUTE_API_VERSION}/namespaces/{key.namespace}/httproutes/{key.name}"
