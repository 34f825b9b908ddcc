"""report.json of a version, from the S3 store that its artifacts lie in.

The credentials are the person's own (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL_S3), or else those with
which KServe reads the model: the Secret of the serving ServiceAccount, for who may read it.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from churn_report import ArtifactLayout, Report
from pydantic import ValidationError

from churnctl.cluster.connection import Connection
from churnctl.errors import ChurnctlError, ForbiddenError, NotFoundError, UnreachableError
from churnctl.view import ChurnModel, Version

_ANNOTATION = "serving.kserve.io/s3-"
_SECONDS = 10
_LONGEST_REPORT = 32 * 2**20


@dataclass(frozen=True)
class Store:
    """How to reach an S3 store. `endpoint` is an http:// or https:// URL."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str

    def report(self, version: Version) -> Report:
        """The report of the run that made the version.

        Raises:
            NotFoundError, ForbiddenError, UnreachableError, ChurnctlError: it cannot be read; see the sentence.
        """
        import minio
        import urllib3

        uri = urlsplit(ArtifactLayout(version.output_uri).report)
        address = urlsplit(self.endpoint)
        pool = urllib3.PoolManager(timeout=_SECONDS, retries=urllib3.Retry(total=1, backoff_factor=0.1))
        client = minio.Minio(
            address.netloc, self.access_key, self.secret_key, secure=address.scheme == "https", region=self.region,
            http_client=pool,
        )  # fmt: skip
        try:
            answer = client.get_object(uri.netloc, uri.path.lstrip("/"))
            with answer:
                return Report.model_validate_json(answer.read(_LONGEST_REPORT))
        except minio.error.S3Error as error:
            if error.code in {"NoSuchKey", "NoSuchBucket"}:
                raise NotFoundError(f"There is no {uri.geturl()}") from error
            raise ForbiddenError(f"{self.endpoint} does not give {uri.geturl()}: {error.message}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(f"The S3 store at {self.endpoint} does not answer") from error
        except ValidationError as error:
            raise ChurnctlError(f"{uri.geturl()} is no report that this version can read") from error


def store_of(connection: Connection, model: ChurnModel, endpoint: str | None) -> Store:
    """The store with the model's artifacts; `endpoint` overrides its address, for a forwarded port.

    Raises:
        ChurnctlError: there are no credentials; the sentence says what to set.
    """
    own = _own(os.environ, endpoint)
    if own is not None:
        return own
    secrets = _secrets(connection, model)
    for secret in secrets:
        store = _of_secret(secret, endpoint)
        if store is not None:
            return store
    raise ChurnctlError("set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL_S3 to read report.json")


def _own(environment: Mapping[str, str], endpoint: str | None) -> Store | None:
    address = endpoint or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    access_key, secret_key = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not (access_key and secret_key):
        return None
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    return Store(address or "https://s3.amazonaws.com", access_key, secret_key, region)


def _secrets(connection: Connection, model: ChurnModel) -> list[dict[str, Any]]:
    account = model.spec.get("serving", {}).get("serviceAccountName")
    if not account:
        return []

    def read(path: str) -> dict[str, Any]:
        found: dict[str, Any] = connection.send("GET", path, version="v1", namespace=model.namespace).json()
        return found

    try:
        named = [each["name"] for each in read(f"serviceaccounts/{account}").get("secrets") or ()]
        return [read(f"secrets/{name}") for name in named]
    except (ForbiddenError, NotFoundError):
        return []


def _of_secret(secret: Mapping[str, Any], endpoint: str | None) -> Store | None:
    """As KServe reads a Secret: keys in data, the address in annotations."""
    data = {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}
    notes = secret["metadata"].get("annotations") or {}
    address = notes.get(f"{_ANNOTATION}endpoint", "s3.amazonaws.com")
    scheme = "http" if notes.get(f"{_ANNOTATION}usehttps") == "0" else "https"
    if "AWS_ACCESS_KEY_ID" not in data or "AWS_SECRET_ACCESS_KEY" not in data:
        return None
    return Store(
        endpoint or f"{scheme}://{address}",
        data["AWS_ACCESS_KEY_ID"],
        data["AWS_SECRET_ACCESS_KEY"],
        notes.get(f"{_ANNOTATION}region", "us-east-1"),
    )
