"""The data plane's view of the API server: watched caches, CRDs, status and finalizers."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import kubernetes
import urllib3
import yaml
from kubernetes.client import ApiException

logger = logging.getLogger(__name__)

FINALIZER = "inferenceservice.finalizers"
_FIELD_MANAGER = "kserve-controller-manager"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_PATHS = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "ValidatingAdmissionPolicy": f"{_ADMISSION}/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": f"{_ADMISSION}/validatingadmissionpolicybindings",
}
_TIMEOUT = (3, 15)
_WATCH_SECONDS = 240
_PAUSE_SECONDS = 0.5

Object = dict[str, Any]


class ClusterUnavailableError(Exception):
    """The API server did not answer, or answered with an error of its own."""


@dataclass(frozen=True)
class Resource:
    """A custom resource."""

    group: str
    version: str
    plural: str


INFERENCE_SERVICES = Resource("serving.kserve.io", "v1beta1", "inferenceservices")
SERVING_RUNTIMES = Resource("serving.kserve.io", "v1alpha1", "servingruntimes")
CLUSTER_SERVING_RUNTIMES = Resource("serving.kserve.io", "v1alpha1", "clusterservingruntimes")
HTTP_ROUTES = Resource("gateway.networking.k8s.io", "v1", "httproutes")
_WATCHED = (INFERENCE_SERVICES, SERVING_RUNTIMES, CLUSTER_SERVING_RUNTIMES, HTTP_ROUTES)


class Cluster:
    """Caches of the watched resources, filled by one thread each, and the few writes of the controller.

    Threads hand what they see to the event loop, so the caches are read and written there only.
    """

    def __init__(self, kubeconfig: Path, changed: Callable[[], None], canary_list: bool = True) -> None:
        """`changed` is called in the event loop after each change of a cache; `canary_list` is whether the
        CRD of InferenceServices has `spec.canary`."""
        self._kubeconfig = kubeconfig
        self._changed = changed
        self._canary_list = canary_list
        self._loop = asyncio.get_running_loop()
        self._caches: dict[Resource, dict[str, Object]] = {resource: {} for resource in _WATCHED}
        self._listed: set[Resource] = set()
        self._synced = asyncio.Event()
        self._stopped = threading.Event()
        self._core = kubernetes.client.CoreV1Api(self._client())

    def _client(self) -> kubernetes.client.ApiClient:
        return kubernetes.config.new_client_from_config(config_file=str(self._kubeconfig))

    async def start(self) -> None:
        """Installs CRDs and admission policy, starts the watches and returns once each resource was listed."""
        await asyncio.to_thread(self._install)
        for resource in _WATCHED:
            threading.Thread(target=self._follow, args=[resource], name=f"watch {resource.plural}", daemon=True).start()
        await self._synced.wait()

    def stop(self) -> None:
        """Lets the watch threads end; as daemons they keep nobody waiting."""
        self._stopped.set()

    def objects(self, resource: Resource) -> list[Object]:
        """What the cache holds now, oldest first."""
        return sorted(self._caches[resource].values(), key=lambda each: str(each["metadata"]["creationTimestamp"]))

    def _install(self) -> None:
        client = self._client()
        for file in sorted(resources.files(__package__).joinpath("crds").iterdir(), key=lambda each: each.name):
            for definition in yaml.safe_load_all(file.read_text()):
                if not self._canary_list:
                    remove_canary_list(definition)
                path = f"{_PATHS[definition['kind']]}/{definition['metadata']['name']}"
                _patch(client, path, "application/apply-patch+yaml", definition)

    def _follow(self, resource: Resource) -> None:
        while not self._stopped.is_set():
            try:
                self._list_and_watch(resource)
            except (ApiException, urllib3.exceptions.HTTPError, OSError, kubernetes.config.ConfigException) as e:
                logger.info("watch of %s begins again: %s", resource.plural, str(e).splitlines()[0])
            except RuntimeError:
                # The event loop is closed: the process ends.
                return
            self._stopped.wait(_PAUSE_SECONDS)

    def _list_and_watch(self, resource: Resource) -> None:
        api = kubernetes.client.CustomObjectsApi(self._client())
        where = (resource.group, resource.version, resource.plural)
        listed = api.list_cluster_custom_object(*where, _request_timeout=_TIMEOUT)
        self._loop.call_soon_threadsafe(self._replace, resource, listed["items"])
        events = kubernetes.watch.Watch().stream(
            api.list_cluster_custom_object,
            *where,
            resource_version=listed["metadata"]["resourceVersion"],
            timeout_seconds=_WATCH_SECONDS,
            _request_timeout=(3, _WATCH_SECONDS + 30),
        )
        for event in events:
            if self._stopped.is_set():
                return
            self._loop.call_soon_threadsafe(self._take, resource, event["type"], event["object"])

    def _replace(self, resource: Resource, items: list[Object]) -> None:
        self._caches[resource] = {each["metadata"]["uid"]: each for each in items}
        self._listed.add(resource)
        if len(self._listed) == len(_WATCHED):
            self._synced.set()
        self._changed()

    def _take(self, resource: Resource, kind: str, each: Object) -> None:
        uid = each["metadata"]["uid"]
        match kind:
            case "ADDED" | "MODIFIED":
                self._caches[resource].setdefault(uid, each)
                self._remember(resource, each)
            case "DELETED":
                self._caches[resource].pop(uid, None)
            case _:
                return
        self._changed()

    def _remember(self, resource: Resource, each: Object) -> None:
        """Takes the newer of two sights of one object: answers to writes and watch events overtake each other."""
        cache, uid = self._caches[resource], each["metadata"]["uid"]
        if uid in cache and _version(each) > _version(cache[uid]):
            cache[uid] = each

    async def write_status(self, resource: Resource, target: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """Replaces the status of that very object; harmless when it is gone.

        Raises:
            ClusterUnavailableError: try again later.
        """
        metadata = target["metadata"]
        patch = [
            {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
            {"op": "add", "path": "/status", "value": dict(status)},
        ]
        await self._write(resource, target, "/status", patch)

    async def set_finalizer(self, target: Mapping[str, Any], present: bool) -> None:
        """Adds KServe's finalizer to an InferenceService, or takes it off; nothing else of it changes.

        Raises:
            ClusterUnavailableError: try again later; so does a conflict with another writer.
        """
        metadata = target["metadata"]
        others = [each for each in metadata.get("finalizers") or [] if each != FINALIZER]
        patch = [
            {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]},
            {"op": "add", "path": "/metadata/finalizers", "value": [*others, FINALIZER] if present else others},
        ]
        await self._write(INFERENCE_SERVICES, target, "", patch)

    async def _write(
        self, resource: Resource, target: Mapping[str, Any], subresource: str, patch: list[Object]
    ) -> None:
        metadata = target["metadata"]
        path = (
            f"/apis/{resource.group}/{resource.version}/namespaces/{metadata['namespace']}"
            f"/{resource.plural}/{metadata['name']}{subresource}"
        )
        try:
            written = await asyncio.to_thread(_patch, self._core.api_client, path, "application/json-patch+json", patch)
        except ApiException as error:
            if error.status == 404:
                return
            raise ClusterUnavailableError(f"{error.status} {error.reason}: {error.body}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnavailableError(str(error)) from error
        self._remember(resource, written)

    async def read_secret(self, namespace: str, name: str) -> Object | None:
        """A Secret as JSON (data in base64), None when there is none.

        Raises:
            ClusterUnavailableError: nobody knows.
        """
        return await self._read(self._core.read_namespaced_secret, namespace, name)

    async def read_service_account(self, namespace: str, name: str) -> Object | None:
        """A ServiceAccount as JSON, None when there is none.

        Raises:
            ClusterUnavailableError: nobody knows.
        """
        return await self._read(self._core.read_namespaced_service_account, namespace, name)

    async def _read(self, method: Callable[..., Any], namespace: str, name: str) -> Object | None:
        try:
            found = await asyncio.to_thread(method, name, namespace, _request_timeout=_TIMEOUT)
        except ApiException as error:
            if error.status == 404:
                return None
            raise ClusterUnavailableError(f"{error.status} {error.reason}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterUnavailableError(str(error)) from error
        serialised: Object = self._core.api_client.sanitize_for_serialization(found)
        return serialised


def remove_canary_list(definition: Object) -> None:
    """Takes `spec.canary` and what belongs to it out of the CRD of InferenceServices; leaves all others alone."""
    if definition["spec"].get("names", {}).get("kind") != "InferenceService":
        return
    for version in definition["spec"]["versions"]:
        fields = version["schema"]["openAPIV3Schema"]["properties"]
        del fields["spec"]["properties"]["canary"]
        # Else the field would be kept though the schema does not have it.
        del fields["spec"]["x-kubernetes-preserve-unknown-fields"]
        del fields["spec"]["properties"]["predictor"]["properties"]["name"]
        del fields["status"]["properties"]["canaryStatuses"]


def _version(each: Object) -> int:
    """Resource versions of one resource are ordered numbers (KEP-5504)."""
    return int(each["metadata"]["resourceVersion"])


def _patch(client: kubernetes.client.ApiClient, path: str, content_type: str, body: Any) -> Object:
    """One PATCH; the client's generated methods do not let the caller choose its content type.

    Raises:
        ApiException: the API server refused.
    """
    force = [("force", "true")] if "apply" in content_type else []
    patched: Object = client.call_api(
        path,
        "PATCH",
        query_params=[("fieldManager", _FIELD_MANAGER), *force],
        header_params={"Content-Type": content_type, "Accept": "application/json"},
        body=body,
        response_type="object",
        auth_settings=["BearerToken"],
        _return_http_data_only=True,
        _request_timeout=_TIMEOUT,
    )
    return patched
