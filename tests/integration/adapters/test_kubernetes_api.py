"""Both ways to the API server: errors, rights, outages and tokens."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_operator.adapters.api_session import ApiSession
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.errors import Rejected, Transient

from tests.integration.adapters.proxy import proxy_before
from tests.integration.adapters.receiver import Receiver

pytestmark = pytest.mark.cluster

_CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "notes"}, "data": {"a": "1"}}


async def test_objects_are_applied_read_and_deleted(api: KubernetesApi, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/notes"
    assert await api.get(path) is None
    applied = await api.apply(path, _CONFIG_MAP)
    assert applied["metadata"]["managedFields"][0]["manager"] == "churnmodel-operator"
    assert await api.get(path) == applied
    await api.delete(path)
    await api.delete(path)
    assert await api.get(path) is None


async def test_what_the_schema_refuses_is_rejected_with_its_sentence(api: KubernetesApi, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/notes"
    with pytest.raises(Rejected, match="data"):
        await api.apply(path, {**_CONFIG_MAP, "data": "not a map"})


@pytest.fixture
def stranger(control_plane: ControlPlane, tmp_path: Path) -> Path:
    """A kubeconfig without any rights."""
    return control_plane.user_kubeconfig("stranger", [], tmp_path / "stranger.kubeconfig")


async def test_missing_rights_are_rejected_and_named(stranger: Path, namespace: str) -> None:
    with kubernetes.config.new_client_from_config(str(stranger)) as client:
        api, session = KubernetesApi(client), ApiSession(client.configuration)
        path = f"/api/v1/namespaces/{namespace}/secrets/s3"
        for answer in (api.get(path), session.request("GET", path)):
            with pytest.raises(Rejected, match='User "stranger" cannot get resource "secrets"'):
                await answer
        await session.close()
        api.close()
        client.rest_client.pool_manager.clear()


@pytest.mark.parametrize("kind", ["closed_port", "silent_port"])
async def test_an_outage_is_transient_within_ten_seconds(kind: str, request: pytest.FixtureRequest) -> None:
    configuration = kubernetes.client.Configuration(host=f"http://127.0.0.1:{request.getfixturevalue(kind)}")
    client = kubernetes.client.ApiClient(configuration)
    api = KubernetesApi(client)
    started = time.monotonic()
    with pytest.raises(Transient):
        await api.get("/version")
    # Ten, and what a busy machine adds.
    assert time.monotonic() - started < 20
    api.close()
    client.rest_client.pool_manager.clear()


async def test_the_token_is_asked_of_the_configuration_at_each_request(token_file: Path, login_page: str) -> None:
    def read_token(configuration: kubernetes.client.Configuration) -> None:
        configuration.api_key["authorization"] = f"bearer {token_file.read_text()}"

    with proxy_before(login_page) as proxy:
        configuration = kubernetes.client.Configuration(host=proxy.url)
        configuration.refresh_api_key_hook = read_token
        session = ApiSession(configuration)
        for token in ("first", "second"):
            await asyncio.to_thread(token_file.write_text, token)
            with pytest.raises(Transient, match="not of an API server: <html>"):
                await session.request("GET", "/version")
        await session.close()
    assert proxy.tokens == ["bearer first", "bearer second"]


async def test_a_redirect_gets_neither_the_body_nor_the_token() -> None:
    async with Receiver(statuses=[307]) as elsewhere:
        session = ApiSession(kubernetes.client.Configuration(host=elsewhere.url.rstrip("/")))
        with pytest.raises(Transient, match="307"):
            await session.request("POST", "/", {"status": {}})
        await session.close()


async def test_a_proxys_login_page_is_transient(login_page: str) -> None:
    client = kubernetes.client.ApiClient(kubernetes.client.Configuration(host=login_page))
    api = KubernetesApi(client)
    with pytest.raises(Transient, match="not of an API server: <html>"):
        await api.get("/version")
    api.close()
    client.rest_client.pool_manager.clear()
