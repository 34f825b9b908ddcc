"""An S3 store through minio: clients with short time-outs, URIs, and the one place that reads its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.credentials.providers import IamAwsProvider, Provider, StaticProvider
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from churn_operator.adapters.kubernetes_api import parse_retry_after
from churn_operator.errors import AdapterError, NotFound, Rejected, Transient, Unreadable

SOURCE = "S3"

_TIMEOUT = urllib3.Timeout(connect=2, read=4)
_RETRIES = urllib3.Retry(total=1, redirect=0, backoff_factor=0.2, respect_retry_after_header=False)
_CONNECTIONS = 16
_AWS = "https://s3.amazonaws.com"
_MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "ResourceNotFound"})
_TRANSIENT = frozenset({"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "OperationAborted"})


@dataclass(frozen=True)
class Credentials:
    """An access key; the secret parts never show in a repr."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Location:
    """A bucket and a path in it, without a leading slash."""

    bucket: str
    path: str

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(part for part in self.path.split("/") if part)


def parse_uri(uri: str) -> Location:
    """Split `s3://bucket/path`. Raises Rejected for anything else."""
    bucket, _, path = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise Rejected(SOURCE, f"{uri!r} is not a URI such as s3://bucket/path")
    return Location(bucket, path)


def new_client(endpoint: str, credentials: Credentials | None, region: str | None) -> Minio:
    """A client of `endpoint` (a URL; empty means AWS) that gives up within ten seconds.

    Without credentials a web identity or instance role is used on AWS, and nothing elsewhere.
    Raises Rejected for an endpoint that is no URL.
    """
    parts = urlsplit(endpoint or _AWS)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise Rejected(SOURCE, f"the endpoint {endpoint!r} is not a URL such as http://minio:9000")
    try:
        return Minio(
            parts.netloc,
            secure=parts.scheme == "https",
            # A known region saves a request for each bucket; self-hosted stores do not care.
            region=region or ("us-east-1" if endpoint else None),
            credentials=_provider(endpoint, credentials),
            http_client=_connections(),
        )
    except ValueError as error:
        raise Rejected(SOURCE, f"the endpoint {endpoint!r} cannot be used: {error}") from error


def _provider(endpoint: str, credentials: Credentials | None) -> Provider | None:
    if credentials is not None:
        return StaticProvider(credentials.access_key, credentials.secret_key, credentials.session_token)
    # Left to itself it waits for an answer without end, and with it a thread.
    return None if endpoint else IamAwsProvider(http_client=_connections())


def _connections() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=_TIMEOUT, retries=_RETRIES, maxsize=_CONNECTIONS)


def classify(error: Exception) -> AdapterError:
    """The error that an exception of minio or urllib3 means."""
    match error:
        case S3Error():
            return _of_s3(error)
        case ServerError():
            return Transient(SOURCE, f"the store answered {error.status_code}")
        case ValueError() if "Invalid header value" in str(error):
            # The rest of its text is what was to be sent.
            return Rejected(SOURCE, "the credentials are not lines of text that can be sent: correct them")
        case ValueError() if not _is_about_answer(error):
            return Rejected(SOURCE, str(error))
        case urllib3.exceptions.HTTPError() | OSError():
            return Transient(SOURCE, f"the store cannot be reached: {error}")
        case _:
            return Transient(SOURCE, f"the store's answer is not S3: {error!s:.500}")


def _is_about_answer(error: ValueError) -> bool:
    """Whether minio could not read an answer: a proxy's login page, say. Its others are about what was asked for."""
    undecodable = isinstance(error, UnicodeDecodeError | json.JSONDecodeError)
    return undecodable or str(error).startswith("XML element ")


def _of_s3(error: S3Error) -> AdapterError:
    message = f"{error.code}: {error.message}" + (f" ({error.resource})" if error.resource else "")
    status = getattr(error.response, "status", 0)
    if error.code in _MISSING:
        return NotFound(SOURCE, message)
    if error.code in _TRANSIENT or status >= 500 or status == 429:
        return Transient(SOURCE, message, parse_retry_after(error.response.headers.get("Retry-After")))
    return Rejected(SOURCE, message)


@contextmanager
def classified() -> Iterator[None]:
    """Raise every error of minio and urllib3 as an AdapterError; a SyntaxError is one of XML."""
    try:
        yield
    except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError, SyntaxError, KeyError) as error:
        raise classify(error) from error


def _require_object(response: urllib3.BaseHTTPResponse) -> None:
    """A proxy's login page with status 200 is no object: each of those has an ETag."""
    if "ETag" not in response.headers:
        raise InvalidResponseError(response.status, response.headers.get("Content-Type", ""), None)


def read_object(client: Minio, location: Location, largest: int) -> bytes | None:
    """The content of an object; None where there is none. Raises Unreadable where it has more bytes than `largest`."""
    try:
        with classified():
            response = client.get_object(location.bucket, location.path)
            try:
                _require_object(response)
                content: bytes = response.read(largest + 1)
            finally:
                response.close()
                response.release_conn()
    except NotFound:
        return None
    if len(content) > largest:
        raise Unreadable(SOURCE, f"s3://{location.bucket}/{location.path} is larger than {largest} bytes")
    return content
