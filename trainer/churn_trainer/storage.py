"""Where data comes from and artifacts go: an S3 bucket through minio, or a local folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import urllib3
from churn_report.digest import is_dataset_object
from minio import Minio
from minio.credentials.providers import EnvAWSProvider, IamAwsProvider, Provider
from minio.error import S3Error
from minio.helpers import check_bucket_name

from churn_trainer.rejection import DataRejected, SpecRejected

_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_MISSING_CODES = {"NoSuchBucket", "NoSuchKey", "NoSuchUpload", "ResourceNotFound"}
_FORBIDDEN_CODES = {"AccessDenied", "AllAccessDisabled", "InvalidObjectState"}


class ObjectUnavailable(Exception):  # noqa: N818 - a finding about one object, for the caller to judge
    """There is no such object, or this run may not read it; says which as a sentence without its full stop."""


@dataclass(frozen=True)
class StoredObject:
    """One object of a dataset; `key` is its path without the bucket, `size` is in bytes."""

    key: str
    etag: str
    size: int


class Store(Protocol):
    """What the trainer needs of a store. URIs are whole: `s3://bucket/path`, or a local path."""

    def list(self, uri: str) -> tuple[StoredObject, ...]:
        """Every object of the dataset at `uri`, sorted by key; empty when there is none."""

    def download(self, uri: str, key: str, destination: Path) -> None:
        """Copies the object `key` of the dataset at `uri` to `destination`."""

    def fetch(self, uri: str, destination: Path) -> None:
        """Copies the one object at `uri` to `destination`. Raises ObjectUnavailable."""

    def upload(self, source: Path, uri: str, content_type: str) -> None:
        """Copies the file `source` to `uri`, replacing what is there."""


class ObjectStore:
    """An S3 bucket. Raises minio and urllib3 errors when the store cannot be reached."""

    def __init__(self, endpoint: str) -> None:
        self._client = _client(endpoint)

    def list(self, uri: str) -> tuple[StoredObject, ...]:
        bucket, path = _split(uri)
        try:
            return tuple(sorted(self._listed(bucket, path), key=lambda stored: stored.key))
        except S3Error as error:
            if error.code in _MISSING_CODES:
                raise DataRejected("DatasetNotFound", f"The bucket {bucket} of {uri} does not exist.") from error
            raise

    def _listed(self, bucket: str, path: str) -> Iterator[StoredObject]:
        for item in self._client.list_objects(bucket, prefix=path.rstrip("/"), recursive=True):
            if is_dataset_object(item.object_name, path):
                yield StoredObject(item.object_name, (item.etag or "").strip('"'), item.size or 0)

    def download(self, uri: str, key: str, destination: Path) -> None:
        self._client.fget_object(_split(uri)[0], key, str(destination))

    def fetch(self, uri: str, destination: Path) -> None:
        try:
            self._client.fget_object(*_split(uri), str(destination))
        except S3Error as error:
            if error.code in _MISSING_CODES:
                raise ObjectUnavailable(f"there is no object at {uri}") from error
            if error.code in _FORBIDDEN_CODES:
                raise ObjectUnavailable(f"the store refuses to read {uri} ({error.code})") from error
            raise

    def upload(self, source: Path, uri: str, content_type: str) -> None:
        bucket, path = _split(uri)
        self._client.fput_object(bucket, path, str(source), content_type=content_type)


class LocalStore:
    """The file system, for the data scientist's own runs: the key of a file is its path."""

    def list(self, uri: str) -> tuple[StoredObject, ...]:
        root = Path(uri)
        files = [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]
        return tuple(StoredObject(str(path), _md5(path), path.stat().st_size) for path in sorted(files))

    def download(self, uri: str, key: str, destination: Path) -> None:  # noqa: ARG002 - the key says it all
        shutil.copyfile(key, destination)

    def fetch(self, uri: str, destination: Path) -> None:
        try:
            shutil.copyfile(uri, destination)
        except OSError as error:
            raise ObjectUnavailable(f"{uri} cannot be read: {error.strerror}") from error

    def upload(self, source: Path, uri: str, content_type: str) -> None:  # noqa: ARG002 - files have no type
        target = Path(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def open_store(uri: str, s3_endpoint: str) -> Store:
    """The store that `uri` lives in.

    Raises SpecRejected (InvalidUri) for a scheme other than s3, and for an endpoint that cannot be used.
    """
    if uri.startswith("s3://"):
        return ObjectStore(s3_endpoint)
    if "://" in uri:
        raise SpecRejected("InvalidUri", f"{uri} has an unknown scheme: use s3://bucket/path.")
    return LocalStore()


def _client(endpoint: str) -> Minio:
    parts = urlsplit(endpoint or "https://s3.amazonaws.com")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise SpecRejected("InvalidUri", f"The S3 endpoint {endpoint!r} is no URL such as http://127.0.0.1:8333.")
    region = os.environ.get("AWS_REGION") or ("us-east-1" if endpoint else None)
    timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
    try:
        return Minio(
            parts.netloc,
            secure=parts.scheme == "https",
            region=region,
            credentials=_credentials(endpoint),
            http_client=urllib3.PoolManager(timeout=timeout, retries=urllib3.Retry(total=5, backoff_factor=0.2)),
        )
    except ValueError as error:
        raise SpecRejected("InvalidUri", f"The S3 endpoint cannot be used: {error}.") from error


def _credentials(endpoint: str) -> Provider | None:
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        return EnvAWSProvider()
    # On AWS the pod's own role; a store of one's own without keys is asked anonymously.
    return None if endpoint else IamAwsProvider()


def _split(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri, allow_fragments=False)
    if not parts.netloc:
        raise SpecRejected("InvalidUri", f"{uri} names no bucket: use s3://bucket/path.")
    try:
        check_bucket_name(parts.netloc)
    except ValueError as error:
        raise SpecRejected("InvalidUri", f"{uri} names a bucket that cannot be: {error}.") from error
    return parts.netloc, uri.removeprefix(f"s3://{parts.netloc}").lstrip("/")


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
