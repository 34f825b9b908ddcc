"""Users' packages in a real S3 store: looked at often, downloaded once."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import kubernetes
import pytest
from churn_devcluster.object_store import ObjectStore
from churn_operator.adapters import packages
from churn_operator.adapters.artifacts import MinioArtifacts
from churn_operator.adapters.kfp_package import pipeline_package
from churn_operator.adapters.kfp_reading import LARGEST_PACKAGE
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.core.actions import PackageReference
from churn_operator.core.observation import ObjectLocation, PipelinePackage, UnreadablePackage
from churn_operator.errors import Changed, Rejected, Transient
from churn_operator.settings import Settings

pytestmark = pytest.mark.cluster

_NOW = timedelta(0)
_KEY = "pipelines/churn.yaml"
Put = Callable[[bytes], str]


@pytest.fixture
def put(object_store: ObjectStore, bucket: str) -> Put:
    """Stores the package; the sha256 of its content."""
    client = object_store.settings.client()

    def store(content: bytes) -> str:
        client.put_object(bucket, _KEY, io.BytesIO(content), len(content))
        return hashlib.sha256(content).hexdigest()

    return store


@pytest.fixture
def location(object_store: ObjectStore, bucket: str) -> ObjectLocation:
    return ObjectLocation(f"s3://{bucket}/{_KEY}", object_store.settings.endpoint, "shop", None)


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were downloaded."""
    seen: list[str] = []
    read = packages.read_object

    def noting(client: Any, location: Any, largest: int) -> bytes | None:
        seen.append(location.path)
        return read(client, location, largest)

    monkeypatch.setattr(packages, "read_object", noting)
    return seen


async def _digest(artifacts: MinioArtifacts, location: ObjectLocation, max_age: timedelta = _NOW) -> str:
    found = await artifacts.package(location, max_age)
    assert isinstance(found, PipelinePackage)
    return found.digest


async def test_what_is_not_there_is_none(artifacts: MinioArtifacts, location: ObjectLocation) -> None:
    assert await artifacts.package(location, _NOW) is None
    assert await artifacts.package(replace(location, uri="s3://no-such-bucket/p.yaml"), _NOW) is None


async def test_a_package_is_downloaded_once_however_often_it_is_looked_at(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put, downloads: list[str]
) -> None:
    digest = put(pipeline_package())
    assert [await _digest(artifacts, location) for _ in range(3)] == [digest] * 3
    put(pipeline_package())
    assert await _digest(artifacts, location) == digest
    assert downloads == [_KEY]


async def test_another_content_is_seen_at_the_next_look(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put, downloads: list[str]
) -> None:
    first = put(pipeline_package())
    await _digest(artifacts, location)
    second = put(pipeline_package() + b"# changed\n")
    assert await _digest(artifacts, location, timedelta(minutes=5)) == first
    assert await _digest(artifacts, location) == second
    put(pipeline_package())
    assert await _digest(artifacts, location) == first
    assert len(downloads) == 3


async def test_many_that_share_a_package_share_a_look(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(pipeline_package())
    looks = []
    look = packages.look_at
    monkeypatch.setattr("churn_operator.adapters.artifacts.look_at", lambda *given: looks.append(given) or look(*given))
    await asyncio.gather(*(_digest(artifacts, location, timedelta(minutes=1)) for _ in range(50)))
    assert len(looks) == 1


async def test_an_object_that_is_no_package_says_so_and_is_not_downloaded_again(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put, downloads: list[str]
) -> None:
    put(b"from kfp import dsl\n")
    for _ in range(3):
        found = await artifacts.package(location, _NOW)
        assert isinstance(found, UnreadablePackage)
        assert "is no KFP package" in found.message
    assert len(downloads) == 1
    put(pipeline_package())
    await _digest(artifacts, location)


async def test_an_object_that_is_too_large_is_refused(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put
) -> None:
    put(b"#" * (LARGEST_PACKAGE + 1))
    found = await artifacts.package(location, _NOW)
    assert isinstance(found, UnreadablePackage)
    assert "has more than 4 MiB" in found.message


async def test_only_the_content_that_was_asked_for_is_handed_over(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put, object_store: ObjectStore, bucket: str
) -> None:
    reference = PackageReference(location, put(pipeline_package()))
    assert await artifacts.package_content(reference) == pipeline_package()
    put(pipeline_package() + b"# changed\n")
    with pytest.raises(Changed, match="was changed since it was looked at"):
        await artifacts.package_content(reference)
    object_store.settings.client().remove_object(bucket, _KEY)
    with pytest.raises(Changed, match="not there any more"):
        await artifacts.package_content(reference)


async def test_the_datasets_secret_opens_the_package_and_is_read_once_for_both(
    settings: Settings,
    api: KubernetesApi,
    kubernetes_client: kubernetes.client.ApiClient,
    object_store: ObjectStore,
    location: ObjectLocation,
    namespace: str,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digest = put(pipeline_package())
    secret = {"metadata": {"name": "s3"}, "stringData": object_store.settings.environment}
    kubernetes.client.CoreV1Api(kubernetes_client).create_namespaced_secret(namespace, secret)
    port = MinioArtifacts(settings, api, environment={})
    asked: list[str] = []
    get = api.get

    async def noting(path: str) -> Any:
        asked.append(path)
        return await get(path)

    monkeypatch.setattr(api, "get", noting)
    secured = replace(location, namespace=namespace, secret_name="s3")
    found, dataset = await asyncio.gather(_digest(port, secured), port.dataset_digest(secured, _NOW))
    assert found == digest
    assert dataset is not None
    assert len(asked) == 1
    with pytest.raises(Rejected, match="does not exist: create it"):
        await port.package(replace(secured, secret_name="none"), _NOW)
    with pytest.raises(Changed, match="does not exist: create it"):
        await port.package_content(PackageReference(replace(secured, secret_name="none"), digest))
    port.close()


@pytest.mark.parametrize("kind", ["closed_port", "silent_port"])
async def test_an_outage_is_transient(
    artifacts: MinioArtifacts, location: ObjectLocation, kind: str, request: pytest.FixtureRequest
) -> None:
    gone = replace(location, endpoint=f"http://127.0.0.1:{request.getfixturevalue(kind)}")
    answers = await asyncio.gather(
        artifacts.package(gone, _NOW),
        artifacts.package_content(PackageReference(gone, "d")),
        return_exceptions=True,
    )
    assert all(isinstance(answer, Transient) for answer in answers), answers
