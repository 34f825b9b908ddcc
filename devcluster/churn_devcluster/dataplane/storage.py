"""The storage initializer: copies what lies below an s3:// URI into a folder, as KServe's does."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

_ANNOTATION = "serving.kserve.io/s3-"
_ACCESS_KEY = "AWS_ACCESS_KEY_ID"
_SECRET_KEY = "AWS_SECRET_ACCESS_KEY"


class StorageError(Exception):
    """The download failed; the message is what the init container leaves as termination message."""


@dataclass(frozen=True)
class S3Access:
    """How to reach an object store: `endpoint` is host:port without scheme, empty for AWS."""

    endpoint: str = ""
    use_https: bool = True
    verify_tls: bool = True
    region: str = ""
    access_key: str | None = None
    secret_key: str | None = None


def is_s3_secret(secret: Mapping[str, Any]) -> bool:
    """Whether KServe would take S3 credentials from this Secret."""
    return {_ACCESS_KEY, _SECRET_KEY} <= set(secret.get("data") or {})


def s3_access(secret: Mapping[str, Any]) -> S3Access:
    """Credentials from the Secret's data, the way to the store from its annotations."""
    annotations = secret["metadata"].get("annotations") or {}
    data = secret["data"]
    return S3Access(
        endpoint=annotations.get(f"{_ANNOTATION}endpoint", ""),
        use_https=annotations.get(f"{_ANNOTATION}usehttps", "1") != "0",
        verify_tls=annotations.get(f"{_ANNOTATION}verifyssl", "1") != "0",
        region=annotations.get(f"{_ANNOTATION}region", ""),
        access_key=base64.b64decode(data[_ACCESS_KEY]).decode(),
        secret_key=base64.b64decode(data[_SECRET_KEY]).decode(),
    )


def download(uri: str, access: S3Access, folder: Path) -> None:
    """Copies every object whose key starts with the URI's path into `folder`, which appears only whole.

    The path is a prefix of keys, not a folder: `s3://bucket/model` takes `model2/x` too. That is how
    KServe lists, and why each artifact needs a folder of its own.

    Raises:
        StorageError: the URI is no s3:// one, nothing is there, or the store does not answer.
    """
    parts = urlsplit(uri)
    if parts.scheme != "s3":
        raise StorageError(f"Cannot recognize storage type for {uri}: this data plane reads s3:// only.")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        count = _copy_all(_client(access), parts.netloc, parts.path.strip("/"), partial)
    except S3Error as error:
        raise StorageError(f"Cannot read {uri}: {error.code}: {error.message}") from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise StorageError(f"Cannot read {uri} from {access.endpoint or 'AWS'}: {error}") from error
    if count == 0:
        raise StorageError(f"Failed to fetch model. No model found in {uri}.")
    partial.rename(folder)


def _client(access: S3Access) -> Minio:
    return Minio(
        endpoint=access.endpoint or "s3.amazonaws.com",
        access_key=access.access_key,
        secret_key=access.secret_key,
        secure=access.use_https,
        region=access.region or None,
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=3, read=30),
            retries=urllib3.Retry(total=1, backoff_factor=0.2),
            cert_reqs="CERT_REQUIRED" if access.verify_tls else "CERT_NONE",
        ),
    )


def _copy_all(client: Minio, bucket: str, prefix: str, folder: Path) -> int:
    count = 0
    for item in client.list_objects(bucket, prefix=prefix, recursive=True):
        key = str(item.object_name)
        if key.endswith("/"):
            continue
        target = (folder / _relative(key, prefix)).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise StorageError(f"The key {key} points outside the model folder.")
        client.fget_object(bucket, key, str(target))
        count += 1
    return count


def _relative(key: str, prefix: str) -> str:
    """Path below the model folder; an object named exactly by the URI keeps its own name."""
    return key.rsplit("/", 1)[-1] if key == prefix else key.removeprefix(prefix).lstrip("/")
