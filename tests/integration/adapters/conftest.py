"""Adapters over the real parts, and servers that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import churn_devcluster.dataplane
import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.kubectl import Kubectl as Administrator
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
from churn_operator.adapters.api_session import ApiSession
from churn_operator.adapters.artifacts import MinioArtifacts
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.settings import Settings

_REPOSITORY = Path(__file__).parents[3]
_DATA_PLANE_DEFINITIONS = Path(churn_devcluster.dataplane.__file__).parent / "crds"

PIPELINES_SECRET = "churn-artifacts"


@pytest.fixture
def kubernetes_client(control_plane: ControlPlane) -> Iterator[kubernetes.client.ApiClient]:
    """The kubernetes client as the administrator."""
    with control_plane.client() as client:
        yield client
        client.rest_client.pool_manager.clear()


@pytest.fixture
def api(kubernetes_client: kubernetes.client.ApiClient) -> Iterator[KubernetesApi]:
    """The adapters' API server."""
    running = KubernetesApi(kubernetes_client)
    yield running
    running.close()


@pytest.fixture(scope="session")
def definitions(administrator: Administrator) -> None:
    """The API server serves ChurnModels, InferenceServices and HTTPRoutes."""
    administrator.install_definitions(_REPOSITORY / "crds")
    for plural in ("inferenceservices", "httproutes"):
        administrator.install_definitions(_DATA_PLANE_DEFINITIONS / f"{plural}.yaml")


@pytest.fixture
async def session(control_plane: ControlPlane) -> AsyncIterator[ApiSession]:
    """The adapters' fast way to the API server."""
    with control_plane.client() as client:
        running = ApiSession(client.configuration)
        yield running
        await running.close()


@pytest.fixture(scope="module")
def executing_endpoint(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a KFP endpoint of this module's own, whose runs find the Secret of the S3 credentials."""
    control_plane.create_namespace("kubeflow")
    with control_plane.client() as client:
        core = kubernetes.client.CoreV1Api(client)
        secret = {
            "metadata": {"name": PIPELINES_SECRET},
            "stringData": {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"},
        }
        if not core.list_namespaced_secret("kubeflow", field_selector=f"metadata.name={PIPELINES_SECRET}").items:
            core.create_namespaced_secret("kubeflow", secret)
        client.rest_client.pool_manager.clear()
    with PipelinesEndpoint(tmp_path_factory.mktemp("pipelines"), control_plane.kubeconfig) as running:
        yield running.url


@pytest.fixture
def settings(object_store: ObjectStore, bucket: str) -> Settings:
    """Artifacts in a fresh bucket."""
    return replace(Settings(), s3_endpoint=object_store.settings.endpoint, artifact_root=f"s3://{bucket}/churn")


@pytest.fixture
async def artifacts(settings: Settings, api: KubernetesApi, object_store: ObjectStore) -> AsyncIterator[MinioArtifacts]:
    """The Artifacts port over the real store."""
    port = MinioArtifacts(settings, api, object_store.settings.environment)
    yield port
    port.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of loopback that refuses connections: nobody listens on it, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port of loopback that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield int(listener.getsockname()[1])


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A projected ServiceAccount token."""
    path = tmp_path / "token"
    path.write_text("first")
    return path


class _LoginPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = b"<html>Please log in</html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def login_page() -> Iterator[str]:
    """URL of a proxy that wants a person to log in, with status 200."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _LoginPage)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
