"""The Artifacts port over a real S3 store."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import kubernetes
import pytest
from churn_devcluster.object_store import ObjectStore
from churn_operator.adapters.artifacts import MinioArtifacts
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.core.actions import PackageReference
from churn_operator.core.observation import ObjectLocation
from churn_operator.errors import Rejected, Transient, Unreadable
from churn_operator.settings import Settings
from churn_report import Outcome
from churn_report.digest import dataset_digest

pytestmark = pytest.mark.cluster

_NOW = timedelta(0)
Put = Callable[[str, bytes], str]


@pytest.fixture
def put(object_store: ObjectStore, bucket: str) -> Put:
    """Stores an object; its etag."""
    client = object_store.settings.client()

    def store(key: str, content: bytes) -> str:
        return str(client.put_object(bucket, key, io.BytesIO(content), len(content)).etag)

    return store


@pytest.fixture
def location(object_store: ObjectStore, bucket: str) -> ObjectLocation:
    return ObjectLocation(f"s3://{bucket}/customers", object_store.settings.endpoint, "shop", None)


async def test_a_dataset_that_is_not_there_has_no_digest(artifacts: MinioArtifacts, location: ObjectLocation) -> None:
    assert await artifacts.dataset_digest(location, _NOW) is None


async def test_a_bucket_that_is_not_there_has_no_dataset(artifacts: MinioArtifacts, location: ObjectLocation) -> None:
    assert await artifacts.dataset_digest(replace(location, uri="s3://no-such-bucket/a.csv"), _NOW) is None


@pytest.mark.parametrize("ending", ["", "/"])
async def test_the_digest_is_that_of_the_folders_objects(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put, ending: str
) -> None:
    objects = [(key, put(key, b"x" * size), size) for key, size in [("customers/b.csv", 3), ("customers/a.csv", 5)]]
    put("customers-of-others/a.csv", b"y")
    found = await artifacts.dataset_digest(replace(location, uri=location.uri + ending), _NOW)
    assert found == dataset_digest(objects)


async def test_the_digest_of_one_object_leaves_its_neighbours_out(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put
) -> None:
    etag = put("customers/a.csv", b"xx")
    put("customers/a.csv.bak", b"y")
    found = await artifacts.dataset_digest(replace(location, uri=f"{location.uri}/a.csv"), _NOW)
    assert found == dataset_digest([("customers/a.csv", etag, 2)])


async def test_new_data_is_seen_when_the_digest_is_too_old(
    artifacts: MinioArtifacts, location: ObjectLocation, put: Put
) -> None:
    put("customers/a.csv", b"x")
    before = await artifacts.dataset_digest(location, _NOW)
    put("customers/a.csv", b"yy")
    assert await artifacts.dataset_digest(location, timedelta(minutes=5)) == before
    assert await artifacts.dataset_digest(location, _NOW) != before


async def test_the_datasets_secret_opens_the_store(
    settings: Settings,
    api: KubernetesApi,
    kubernetes_client: kubernetes.client.ApiClient,
    object_store: ObjectStore,
    location: ObjectLocation,
    namespace: str,
    put: Put,
) -> None:
    put("customers/a.csv", b"x")
    secret = {"metadata": {"name": "s3"}, "stringData": object_store.settings.environment}
    kubernetes.client.CoreV1Api(kubernetes_client).create_namespaced_secret(namespace, secret)
    port = MinioArtifacts(settings, api, environment={})
    secured = replace(location, namespace=namespace, secret_name="s3")
    assert await port.dataset_digest(secured, _NOW) is not None
    port.close()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (None, "does not exist: create it"),
        ({}, "lacks AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "id"}, "lacks AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "hush-hush"}, "InvalidAccessKeyId"),
    ],
)
async def test_a_secret_that_opens_nothing_is_refused_and_never_shown(
    artifacts: MinioArtifacts,
    kubernetes_client: kubernetes.client.ApiClient,
    location: ObjectLocation,
    namespace: str,
    data: dict[str, str] | None,
    fault: str,
) -> None:
    if data is not None:
        secret = {"metadata": {"name": "s3"}, "stringData": data}
        kubernetes.client.CoreV1Api(kubernetes_client).create_namespaced_secret(namespace, secret)
    with pytest.raises(Rejected, match=fault) as caught:
        await artifacts.dataset_digest(replace(location, namespace=namespace, secret_name="s3"), _NOW)
    assert "hush-hush" not in str(caught.value)


async def test_a_report_is_read(artifacts: MinioArtifacts, settings: Settings, put: Put) -> None:
    content = {
        "outcome": "Rejected",
        "failure": {"step": "validate", "reason": "SingleClass", "message": "Churn has one value only."},
        "key": "k",
        "created": "2026-08-01T00:00:00Z",
        "code_version": "1",
    }
    put("churn/shop/telco/k/1/report.json", json.dumps(content).encode())
    report = await artifacts.report(f"{settings.artifact_root}/shop/telco/k/1")
    assert report is not None
    assert report.outcome is Outcome.REJECTED


async def test_no_report_is_none_and_half_a_report_is_unreadable(
    artifacts: MinioArtifacts, settings: Settings, put: Put
) -> None:
    output_uri = f"{settings.artifact_root}/shop/telco/k/1"
    assert await artifacts.report(output_uri) is None
    put("churn/shop/telco/k/1/report.json", b'{"outcome": ')
    with pytest.raises(Unreadable, match="Invalid JSON"):
        await artifacts.report(output_uri)


async def test_deleting_removes_a_models_folder_and_nothing_else(
    artifacts: MinioArtifacts, settings: Settings, put: Put
) -> None:
    for key in ("churn/shop/telco/k/1/report.json", "churn/shop/telco/k/2/model/model.joblib"):
        put(key, b"x")
    put("churn/shop/telco-two/k/1/report.json", b"x")
    mine, neighbours = (f"{settings.artifact_root}/shop/{name}/" for name in ("telco", "telco-two"))
    assert await artifacts.exists(mine)
    await artifacts.delete(mine)
    assert not await artifacts.exists(mine)
    assert await artifacts.exists(neighbours)
    await artifacts.delete(mine)


async def test_a_thousand_and_more_objects_are_deleted(artifacts: MinioArtifacts, settings: Settings, put: Put) -> None:
    with_threads = [asyncio.to_thread(put, f"churn/shop/telco/{number}", b"") for number in range(1001)]
    await asyncio.gather(*with_threads)
    await artifacts.delete(f"{settings.artifact_root}/shop/telco/")
    assert not await artifacts.exists(f"{settings.artifact_root}/shop/telco/")


@pytest.mark.parametrize("path", ["", "/", "/shop/", "/shop/telco"])
async def test_a_uri_that_could_hold_others_is_not_deleted(
    artifacts: MinioArtifacts, settings: Settings, put: Put, path: str
) -> None:
    put("churn/shop/telco/k/1/report.json", b"x")
    with pytest.raises(Rejected):
        await artifacts.delete(settings.artifact_root + path)
    assert await artifacts.exists(f"{settings.artifact_root}/shop/telco/")


async def test_a_proxys_login_page_is_no_answer_of_the_store(
    api: KubernetesApi, location: ObjectLocation, login_page: str
) -> None:
    settings = Settings(s3_endpoint=login_page)
    port = MinioArtifacts(settings, api, {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"})
    folder, behind = f"{settings.artifact_root}/shop/telco/", replace(location, endpoint=login_page)
    answers = await asyncio.gather(
        port.dataset_digest(behind, _NOW),
        port.package_content(PackageReference(behind, "0123")),
        port.report(f"{folder}k/1"),
        port.exists(folder),
        port.delete(folder),
        return_exceptions=True,
    )
    port.close()
    assert all(isinstance(answer, Transient) and "is not S3" in answer.message for answer in answers), answers


@pytest.mark.parametrize("kind", ["closed_port", "silent_port"])
async def test_an_outage_is_transient_within_ten_seconds(
    api: KubernetesApi, location: ObjectLocation, kind: str, request: pytest.FixtureRequest
) -> None:
    endpoint = f"http://127.0.0.1:{request.getfixturevalue(kind)}"
    settings = Settings(s3_endpoint=endpoint)
    port = MinioArtifacts(settings, api, {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key"})
    folder = f"{settings.artifact_root}/shop/telco/"
    started = time.monotonic()
    answers = await asyncio.gather(
        port.dataset_digest(replace(location, endpoint=endpoint), _NOW),
        port.report(f"{folder}k/1"),
        port.exists(folder),
        port.delete(folder),
        return_exceptions=True,
    )
    port.close()
    assert all(isinstance(answer, Transient) for answer in answers), answers
    # Ten, and what a busy machine adds.
    assert time.monotonic() - started < 20
