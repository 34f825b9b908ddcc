"""report.json and contract.json of versions, read from the object store once each: they never change."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from os import environ
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from churn_report import ArtifactLayout, DataContract, Report
from minio import Minio
from minio.credentials.providers import EnvAWSProvider, IamAwsProvider
from minio.error import MinioException, S3Error
from pydantic import BaseModel, ValidationError

from churn_webapp.errors import NotFound, Unavailable, WebappError
from churn_webapp.settings import Settings

_TIMEOUT = urllib3.Timeout(connect=2, read=5)
_LARGEST_BYTES = 8 * 1024 * 1024
_MOST_KEPT = 256
_FAILURE_SECONDS = 10.0
"""A store that is away is not asked by every look at a page."""
_Document = TypeVar("_Document", bound=BaseModel)


class Reports:
    """What training runs left behind, below the artifact root and nowhere else."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError for an endpoint that is no URL."""
        self._root = settings.artifact_root.rstrip("/") + "/"
        self._client = _client(settings.s3_endpoint)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, BaseModel] = OrderedDict()
        self._failures: dict[str, tuple[float, WebappError]] = {}

    def report(self, output_uri: str) -> Report:
        """The report of the run with this output URI. Raises NotFound or Unavailable."""
        return self._document(ArtifactLayout(output_uri).report, Report)

    def contract(self, output_uri: str) -> DataContract:
        """The data contract beside its model. Raises NotFound or Unavailable."""
        return self._document(ArtifactLayout(output_uri).contract, DataContract)

    def _document(self, uri: str, kind: type[_Document]) -> _Document:
        with self._lock:
            kept = self._kept.get(uri)
        if isinstance(kept, kind):
            return kept
        try:
            document = kind.model_validate_json(self._read_unless_it_just_failed(uri))
        except ValidationError as error:
            raise NotFound(f"{uri} cannot be read: it was written by another version of the trainer.") from error
        with self._lock:
            self._kept[uri] = document
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return document

    def _read_unless_it_just_failed(self, uri: str) -> bytes:
        with self._lock:
            until, failure = self._failures.get(uri, (0.0, None))
        if failure is not None and time.monotonic() < until:
            raise failure
        try:
            return self._read(uri)
        except WebappError as error:
            with self._lock:
                if len(self._failures) >= _MOST_KEPT:
                    self._failures.clear()
                self._failures[uri] = (time.monotonic() + _FAILURE_SECONDS, error)
            raise

    def _read(self, uri: str) -> bytes:
        if not uri.startswith(self._root) or ".." in uri:
            raise NotFound(f"{uri} is not below CHURN_ARTIFACT_ROOT, {self._root}.")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            with self._client.get_object(bucket, key) as answer:
                content: bytes = answer.read(_LARGEST_BYTES + 1)
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchBucket"):
                raise NotFound(f"There is no {uri} in the object store.") from error
            raise Unavailable(f"The object store refuses {uri}: {error.code}.") from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable("The object store does not answer.") from error
        if len(content) > _LARGEST_BYTES:
            raise NotFound(f"{uri} has more than {_LARGEST_BYTES} bytes.")
        return content


def _client(endpoint: str) -> Any:
    parts = urlsplit(endpoint or "https://s3.amazonaws.com")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"CHURN_S3_ENDPOINT={endpoint!r} is not a URL such as http://minio:9000")
    pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=urllib3.Retry(total=1, redirect=0, backoff_factor=0.2))
    has_key = "AWS_ACCESS_KEY_ID" in environ
    return Minio(
        parts.netloc,
        secure=parts.scheme == "https",
        region=environ.get("AWS_REGION") or ("us-east-1" if endpoint else None),
        credentials=EnvAWSProvider() if has_key else (None if endpoint else IamAwsProvider()),
        http_client=pool,
    )
