"""A running data plane with a stand-in model server, and a person who applies InferenceServices."""

from __future__ import annotations

import io
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.dataplane import DataPlane
from churn_devcluster.object_store import ObjectStore

_STAND_IN = Path(__file__).parent / "stand_in_server.py"
_ISVC = ("serving.kserve.io", "v1beta1")
Object = dict[str, Any]
SECONDS = 60.0
"""For one request, which may wait for a server to start."""


@pytest.fixture(scope="package")
def data_plane(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataPlane]:
    options = [
        *("--retire-after", "1"),
        *("--idle-after", "2"),
    ]
    plane = DataPlane(control_plane.kubeconfig, tmp_path_factory.mktemp("dataplane"), options=options)
    with plane as running:
        api = kubernetes.client.CustomObjectsApi(control_plane.client())
        api.create_cluster_custom_object(
            "serving.kserve.io",
            "v1alpha1",
            "clusterservingruntimes",
            {
                "apiVersion": "serving.kserve.io/v1alpha1",
                "kind": "ClusterServingRuntime",
                "metadata": {"name": "stand-in"},
                "spec": {
                    "supportedModelFormats": [{"name": "text", "version": "1", "autoSelect": True}],
                    "containers": [
                        {
                            "name": "kserve-container",
                            "image": "stand-in",
                            "command": ["python", str(_STAND_IN)],
                            "args": ["--model_name={{.Name}}", "--model_dir=/mnt/models", "--workers=1"],
                        }
                    ],
                },
            },
        )
        yield running


class Model:
    """One InferenceService and the models of its revisions in S3."""

    def __init__(self, namespace: str, bucket: str, api: Any, store: ObjectStore) -> None:
        self.namespace = namespace
        self.name = "churn"
        self._bucket = bucket
        self._api = api
        self._minio = store.settings.client()

    def upload(self, text: str) -> str:
        """Puts a model that answers `text` into a folder of its own; its URI."""
        return self.upload_files(text, {"model.txt": text.encode()})

    def upload_files(self, folder: str, files: dict[str, bytes]) -> str:
        """Puts files into a folder of their own; its URI."""
        for name, data in files.items():
            self._minio.put_object(self._bucket, f"{folder}/model/{name}", io.BytesIO(data), len(data))
        return self.uri(folder)

    def uri(self, folder: str) -> str:
        """The storageUri of an uploaded folder."""
        return f"s3://{self._bucket}/{folder}/model"

    def manifest(self, text: str, percent: int | None = None, **changes: Any) -> Object:
        predictor: Object = {
            "serviceAccountName": "models",
            "minReplicas": changes.get("minimum_replicas", 1),
            "model": {
                "modelFormat": {"name": changes.get("model_format", "text")},
                "storageUri": self.upload(text) if changes.get("upload", True) else self.uri(text),
                "env": [{"name": "CHURN_MODEL_VERSION", "value": text}],
            },
        }
        if percent is not None:
            predictor["canaryTrafficPercent"] = percent
        return {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {
                "name": changes.get("name", self.name),
                "namespace": self.namespace,
                **({"labels": changes["labels"]} if "labels" in changes else {}),
                "annotations": {"serving.kserve.io/deploymentMode": changes.get("mode", "Knative")},
            },
            "spec": {"predictor": predictor},
        }

    def apply(self, text: str, percent: int | None = None, **changes: Any) -> None:
        """Server-side apply, as the operator does it."""
        self.apply_manifest(self.manifest(text, percent, **changes))

    def apply_predictor(self, predictor: Object) -> None:
        """Server-side apply of a whole predictor."""
        self.apply_manifest(
            {
                "apiVersion": "serving.kserve.io/v1beta1",
                "kind": "InferenceService",
                "metadata": {"name": self.name, "namespace": self.namespace},
                "spec": {"predictor": predictor},
            }
        )

    def apply_canary(self, text: str, *canaries: tuple[str, str, int], name: str | None = None, **fields: Any) -> None:
        """Server-side apply in Standard mode: the predictor, and (name, text, percent) of each canary."""
        manifest = self.manifest(text, mode="Standard")
        manifest["spec"]["predictor"] |= {"name": name} if name else {}
        entries = [
            {
                "trafficPercent": percent,
                "predictor": {
                    "name": canary,
                    "minReplicas": 1,
                    "model": {
                        "modelFormat": {"name": "text"},
                        "storageUri": self.upload(model),
                        "env": [{"name": "CHURN_MODEL_VERSION", "value": model}],
                    },
                    **fields,
                },
            }
            for canary, model, percent in canaries
        ]
        # In an apply null is no way to leave it out: the CRD refuses it.
        manifest["spec"] |= {"canary": entries} if entries else {}
        self.apply_manifest(manifest)

    def apply_manifest(self, manifest: Object) -> None:
        """Server-side apply of a whole InferenceService."""
        self._api.api_client.call_api(
            f"/apis/serving.kserve.io/v1beta1/namespaces/{self.namespace}/inferenceservices/"
            f"{manifest['metadata']['name']}",
            "PATCH",
            query_params=[("fieldManager", "test"), ("force", "true")],
            header_params={"Content-Type": "application/apply-patch+yaml", "Accept": "application/json"},
            body=manifest,
            auth_settings=["BearerToken"],
            response_type="object",
        )

    def get(self, name: str | None = None) -> Object:
        found: Object = self._api.get_namespaced_custom_object(
            *_ISVC, self.namespace, "inferenceservices", name or self.name
        )
        return found

    def status(self, name: str | None = None) -> Object:
        return dict(self.get(name).get("status", {}))

    def delete(self, name: str | None = None) -> None:
        self._api.delete_namespaced_custom_object(*_ISVC, self.namespace, "inferenceservices", name or self.name)

    def exists(self, name: str | None = None) -> bool:
        try:
            self.get(name)
        except kubernetes.client.ApiException as error:
            if error.status == 404:
                return False
            raise
        return True

    def until(self, expected: Callable[[Object], bool], seconds: float = 180, name: str | None = None) -> Object:
        """The first status of which `expected` holds."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.status(name)
            if expected(status):
                return status
            assert time.monotonic() < deadline, f"not so after {seconds} s: {status}"
            time.sleep(0.05)

    def until_written(self, expected: Callable[[Object], bool], since: Object) -> None:
        """Waits for a status of which `expected` holds, among all that were written after `since`: also one that
        has passed meanwhile."""
        version = since["metadata"]["resourceVersion"]
        listing = self._api.list_namespaced_custom_object
        watch = kubernetes.watch.Watch()
        where = (*_ISVC, self.namespace, "inferenceservices")
        for event in watch.stream(listing, *where, resource_version=version, timeout_seconds=180):
            if expected(event["object"].get("status", {})):
                watch.stop()
                return
        raise AssertionError("it was not written within 180 s")

    def until_settled(self, seconds: float = 2) -> Object:
        """The object once nobody wrote to it for some seconds."""
        deadline = time.monotonic() + 120
        seen, since = self.get(), time.monotonic()
        while time.monotonic() - since < seconds:
            assert time.monotonic() < deadline, "it is written to all the time"
            time.sleep(0.1)
            now = self.get()
            if now["metadata"]["resourceVersion"] != seen["metadata"]["resourceVersion"]:
                seen, since = now, time.monotonic()
        return seen

    def annotate(self, annotations: dict[str, str]) -> None:
        """As a person does with `kubectl annotate`."""
        self._api.patch_namespaced_custom_object(
            *_ISVC, self.namespace, "inferenceservices", self.name, {"metadata": {"annotations": annotations}}
        )

    def route(
        self,
        name: str,
        weights: dict[str, int],
        hostnames: list[str] | None = None,
        mirrors: list[Object] | None = None,
    ) -> Object:
        """Creates or replaces an HTTPRoute as an operator would write it; `mirrors` are RequestMirror filters."""
        path = f"/serving/{self.namespace}/{name}"
        manifest = {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "parentRefs": [{"name": "gateway"}],
                **({} if hostnames is None else {"hostnames": hostnames}),
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                        "filters": [
                            {
                                "type": "URLRewrite",
                                "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}},
                            },
                            *({"type": "RequestMirror", "requestMirror": mirror} for mirror in mirrors or ()),
                        ],
                        "backendRefs": [
                            {"name": f"{service}-predictor", "port": 80, "weight": weight}
                            for service, weight in weights.items()
                        ],
                    }
                ],
            },
        }
        where = ("gateway.networking.k8s.io", "v1", self.namespace, "httproutes")
        try:
            found = self._api.get_namespaced_custom_object(*where, name)
        except kubernetes.client.ApiException as error:
            if error.status != 404:
                raise
            created: Object = self._api.create_namespaced_custom_object(*where, manifest)
            return created
        found["spec"] = manifest["spec"]
        replaced: Object = self._api.replace_namespaced_custom_object(*where, name, found)
        return replaced

    def until_routed(self, name: str, generation: int) -> Object:
        """The HTTPRoute once its status speaks of `generation`."""
        where = ("gateway.networking.k8s.io", "v1", self.namespace, "httproutes")
        found: Object = {}

        def routed() -> bool:
            nonlocal found
            found = self._api.get_namespaced_custom_object(*where, name)
            parents = found.get("status", {}).get("parents", [])
            return bool(parents) and parents[0]["conditions"][0]["observedGeneration"] == generation

        until(routed, "the route is accepted")
        return found

    def name_a_missing_secret(self) -> None:
        """Makes the ServiceAccount refer to a Secret that does not exist."""
        core = kubernetes.client.CoreV1Api(self._api.api_client)
        core.patch_namespaced_service_account("models", self.namespace, {"secrets": [{"name": "gone"}]})


def is_up_to_date(status: Object) -> bool:
    predictor = status.get("components", {}).get("predictor", {})
    return (
        status.get("modelStatus", {}).get("transitionStatus") == "UpToDate"
        and condition(status, "Ready")["status"] == "True"
        and predictor.get("latestReadyRevision") == predictor.get("latestCreatedRevision")
    )


def condition(status: Object, kind: str) -> Object:
    found: Object = next((each for each in status.get("conditions", []) if each["type"] == kind), {"status": ""})
    return found


def traffic(status: Object) -> dict[str, int]:
    """Percent of each revision number in status.traffic."""
    lines = status.get("components", {}).get("predictor", {}).get("traffic", [])
    shares: Counter[str] = Counter()
    for line in lines:
        shares[line["revisionName"].rsplit("-", 1)[-1].lstrip("0")] += line["percent"]
    return dict(shares)


def answers(url: str, requests: int = 1) -> Counter[str]:
    """Which model answered how many of the requests."""
    with httpx.Client(timeout=SECONDS) as client:
        texts = []
        for _ in range(requests):
            response = client.get(f"{url}/v1/models/churn")
            response.raise_for_status()
            texts.append(response.json()["text"])
    return Counter(texts)


def until(condition_holds: Callable[[], bool], what: str, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition_holds():
        assert time.monotonic() < deadline, f"not so after {seconds} s: {what}"
        time.sleep(0.05)


def ask(url: str) -> Object:
    """What whoever serves the model says of itself."""
    found: Object = httpx.get(f"{url}/v1/models/churn", timeout=SECONDS).json()
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Client:
    """Sends one request after the other until it leaves; counts answers and keeps failures."""

    def __init__(self, url: str) -> None:
        self.texts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._url = f"{url}/v1/models/churn"
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def _send(self) -> None:
        with httpx.Client(timeout=SECONDS) as client:
            while not self._leave.is_set():
                try:
                    response = client.get(self._url)
                    response.raise_for_status()
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                else:
                    self.texts[response.json()["text"]] += 1


@pytest.fixture
def model(
    control_plane: ControlPlane, data_plane: DataPlane, object_store: ObjectStore, namespace: str, bucket: str
) -> Iterator[Model]:
    client = control_plane.client()
    core = kubernetes.client.CoreV1Api(client)
    settings = object_store.settings
    core.create_namespaced_secret(
        namespace,
        {
            "metadata": {
                "name": "s3",
                "annotations": {
                    "serving.kserve.io/s3-endpoint": settings.address,
                    "serving.kserve.io/s3-usehttps": "0",
                    "serving.kserve.io/s3-region": "us-east-1",
                },
            },
            "stringData": settings.environment,
        },
    )
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "models"}, "secrets": [{"name": "s3"}]})
    served = Model(namespace, bucket, kubernetes.client.CustomObjectsApi(client), object_store)
    yield served
    if served.exists():
        served.delete()
