"""A whole devcluster whose model servers obey a file of faults, and models of several versions in it."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from churn_devcluster.cluster import Devcluster
from churn_devcluster.faults import faulty_runtime

from tests.unit.serving.telco import CUSTOMER, linear_pipeline, save_artifact

_RUNTIME = Path(__file__).parents[3] / "deploy" / "serving" / "clusterservingruntime.yaml"
_SECONDS = 110


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devcluster]:
    """Everything, with the shipped serving runtime made faulty: by `faults_file`."""
    folder = tmp_path_factory.mktemp("devcluster")
    with Devcluster(folder) as running:
        runtime = faulty_runtime(yaml.safe_load(_RUNTIME.read_text()), _faults_file(running))
        running.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(runtime))
        yield running


@pytest.fixture(scope="package")
def faults_file(cluster: Devcluster) -> Path:
    """Where the faults of versions are written; versions that no test makes bad are good."""
    return _faults_file(cluster)


def _faults_file(cluster: Devcluster) -> Path:
    return cluster.work_dir / "faults.json"


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a trained model."""
    folder = tmp_path_factory.mktemp("artifact")
    save_artifact(folder, linear_pipeline())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@dataclass
class Tally:
    """What a client saw."""

    codes: Counter[int] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    probabilities: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Models:
    """InferenceServices in Standard mode of one namespace; one a version, as the operator makes them."""

    cluster: Devcluster
    artifact: dict[str, bytes]
    namespace: str

    def upload(self, version: str) -> tuple[str, str]:
        """Put the model of a version into S3; its URI and sha256."""
        folder = f"{self.namespace}/{version}/model"
        store = self.cluster.object_store.settings.client()
        for name, data in self.artifact.items():
            path = self.cluster.work_dir / name
            path.write_bytes(data)
            store.fput_object(self.cluster.bucket, f"{folder}/{name}", str(path))
        sha256 = hashlib.sha256(self.artifact["model.joblib"]).hexdigest()
        return f"s3://{self.cluster.bucket}/{folder}", sha256

    def apply(self, version: str) -> None:
        """Ask for the InferenceService `churn-v<version>`."""
        uri, sha256 = self.upload(version)
        model = {
            "modelFormat": {"name": "churn"},
            "name": "churn",
            "storageUri": uri,
            "env": [
                {"name": "CHURN_MODEL_SHA256", "value": sha256},
                {"name": "CHURN_MODEL_VERSION", "value": version},
            ],
        }
        self._apply(
            "serving.kserve.io/v1beta1",
            "InferenceService",
            f"churn-v{version}",
            {"predictor": {"serviceAccountName": "models", "model": model}},
            {"serving.kserve.io/deploymentMode": "Standard"},
        )

    def serve(self, *versions: str) -> None:
        """Apply them, and wait until all are Ready."""
        for version in versions:
            self.apply(version)
        for version in versions:
            condition = "--for=condition=Ready"
            self._kubectl("wait", condition, f"inferenceservice/churn-v{version}", f"--timeout={_SECONDS}s")

    def delete(self, version: str) -> None:
        """Delete one, and wait until it is gone."""
        self._kubectl("delete", "inferenceservice", f"churn-v{version}", f"--timeout={_SECONDS}s")

    def route(self, weights: dict[str, int], mirror: str | None = None) -> str:
        """An HTTPRoute over versions; its URL, once the gateway took it."""
        prefix = f"/serving/{self.namespace}/churn"
        rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
        filters: list[dict[str, Any]] = [{"type": "URLRewrite", "urlRewrite": rewrite}]
        if mirror is not None:
            backend = {"name": f"churn-v{mirror}-predictor", "port": 80}
            filters.append({"type": "RequestMirror", "requestMirror": {"backendRef": backend}})
        rule = {
            "matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
            "filters": filters,
            "backendRefs": [
                {"name": f"churn-v{version}-predictor", "port": 80, "weight": weight}
                for version, weight in weights.items()
            ],
        }
        spec = {"parentRefs": [{"name": "gateway"}], "rules": [rule]}
        self._apply("gateway.networking.k8s.io/v1", "HTTPRoute", "churn", spec)
        url = f"{self.cluster.data_plane.url}{prefix}"
        until(
            lambda: httpx.get(f"{url}/v1/models/churn", timeout=60).status_code == httpx.codes.OK,
            "the route is in force",
        )
        return url

    def url(self, version: str) -> str:
        """Where one version answers by itself."""
        return f"{self.cluster.data_plane.url}/serving/{self.namespace}/churn-v{version}"

    def generation(self, version: str) -> int:
        """How often the spec of a version's InferenceService was written."""
        output = "--output=jsonpath={.metadata.generation}"
        return int(self._kubectl("get", "inferenceservice", f"churn-v{version}", output))

    def series(self, metric: str) -> str:
        """A selector of the series of this namespace."""
        return f'{metric}{{namespace="{self.namespace}"}}'

    def _apply(
        self, api_version: str, kind: str, name: str, spec: dict[str, Any], annotations: dict[str, str] | None = None
    ) -> None:
        metadata = {"name": name, "namespace": self.namespace, "annotations": annotations or {}}
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
        self.cluster.kubectl("apply", "--server-side", "--filename=-", stdin=yaml.safe_dump(manifest))

    def _kubectl(self, *arguments: str) -> str:
        return self.cluster.kubectl(*arguments, f"--namespace={self.namespace}")


@pytest.fixture
def models(cluster: Devcluster, artifact: dict[str, bytes]) -> Iterator[Models]:
    """A fresh namespace whose service account `models` may read S3; what serves there ends with the test."""
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    cluster.open_s3_to(namespace, "models")
    yield Models(cluster, artifact, namespace)
    cluster.end_serving(namespace)


def ask(url: str, requests: int) -> Tally:
    """One customer after the other."""
    tally = Tally()
    with httpx.Client(timeout=60, trust_env=False) as client:
        for _ in range(requests):
            answer = client.post(f"{url}/v1/models/churn:predict", json={"instances": [CUSTOMER]})
            tally.codes[answer.status_code] += 1
            tally.versions[answer.headers["x-churn-model-version"]] += 1
            if answer.status_code == httpx.codes.OK:
                tally.probabilities.append(answer.json()["predictions"][0]["probability"])
    return tally


def by(label: str, vector: list[dict[str, Any]]) -> dict[str, float]:
    """The values of a vector by one of its labels."""
    return {each["metric"].get(label, ""): float(each["value"][1]) for each in vector}


def until(holds: Callable[[], bool], what: str, seconds: float = 240) -> None:
    """Polls with a deadline."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so after {seconds} s: {what}"
        time.sleep(0.1)
