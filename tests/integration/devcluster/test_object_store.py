"""The S3 store asks for credentials and keeps its data over a stop."""

from __future__ import annotations

import io
from pathlib import Path

import minio
import pytest
import urllib3
from churn_devcluster.errors import DevclusterError
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.ports import is_listening

pytestmark = pytest.mark.cluster


def test_stop_and_start_keep_port_credentials_and_data(tmp_path: Path) -> None:
    with ObjectStore(tmp_path) as store:
        client = store.settings.client()
        store.create_buckets(["kept"])
        store.create_buckets(["kept"])
        client.put_object("kept", "folder/customers.csv", io.BytesIO(b"id,churn\n1,Yes\n"), 15)
        store.stop()
        with pytest.raises(urllib3.exceptions.HTTPError):
            client.bucket_exists("kept")
        # More than once: the part that holds the data joins at different times after a start.
        for _ in range(3):
            store.stop()
            store.start()
            with client.get_object("kept", "folder/customers.csv") as answer:
                assert answer.read() == b"id,churn\n1,Yes\n"
    assert not is_listening(store.port)


def test_a_later_start_in_the_same_folder_has_the_same_secret_and_data(tmp_path: Path) -> None:
    with ObjectStore(tmp_path) as first:
        first.create_buckets(["kept"])
    with ObjectStore(tmp_path) as second:
        assert second.settings.secret_key == first.settings.secret_key
        assert second.settings.client().bucket_exists("kept")


def test_a_wrong_secret_is_refused(object_store: ObjectStore) -> None:
    stranger = minio.Minio(
        object_store.settings.address,
        access_key=object_store.settings.access_key,
        secret_key="not the secret",
        secure=False,
        region="us-east-1",
    )
    with pytest.raises(minio.error.S3Error) as refused:
        stranger.list_buckets()
    assert refused.value.code == "SignatureDoesNotMatch"


def test_a_taken_port_is_refused_with_a_sentence_that_names_it(object_store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(DevclusterError, match=f"Port {object_store.port} .* S3 store, is taken"):
        ObjectStore(tmp_path, port=object_store.port)


def test_neither_socket_nor_log_is_left_in_the_shared_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("TMPDIR", str(shared))
    with ObjectStore(tmp_path / "store") as store:
        assert list(Path("/tmp").glob(f"seaweedfs-*-{store.port}.sock"))
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{store.port}.sock"))
    assert list(shared.iterdir()) == []


def test_each_of_many_buckets_can_be_written_however_small_the_disk(object_store: ObjectStore) -> None:
    client = object_store.settings.client()
    for number in range(100):
        client.make_bucket(f"many-{number}")
        client.put_object(f"many-{number}", "customers.csv", io.BytesIO(b"id,churn\n1,Yes\n"), 15)
