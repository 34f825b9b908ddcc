"""The Artifacts port over minio."""

from __future__ import annotations

import base64
import binascii
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache, partial

from churn_report import ArtifactLayout, Report
from churn_report.digest import dataset_digest, is_dataset_object
from minio import Minio
from minio.deleteobjects import DeleteObject
from pydantic import ValidationError

from churn_operator.adapters.aged import Aged
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.adapters.packages import SeenPackage, content_of, look_at
from churn_operator.adapters.s3 import SOURCE, Credentials, Location, classified, new_client, parse_uri, read_object
from churn_operator.adapters.threads import ThreadPool, stop_if_given_up
from churn_operator.core.actions import PackageReference
from churn_operator.core.observation import ObjectLocation, Package
from churn_operator.errors import Changed, NotFound, Rejected, Transient, Unreadable
from churn_operator.settings import Settings

_THREADS = 8
_DEADLINE = timedelta(seconds=20)
_DELETE_DEADLINE = timedelta(seconds=60)
_SECRET_AGE = 1.0
_MOST_CLIENTS = 100
_MOST_LOCATIONS = 20_000
_LARGEST_REPORT = 16 * 1024 * 1024
_ACCESS_KEY = "AWS_ACCESS_KEY_ID"
_SECRET_KEY = "AWS_SECRET_ACCESS_KEY"
_SESSION_TOKEN = "AWS_SESSION_TOKEN"


class MinioArtifacts:
    """Datasets with their own endpoint and Secret; reports and artifacts with the operator's."""

    def __init__(
        self,
        settings: Settings,
        api: KubernetesApi,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._api = api
        self._own_credentials = credentials_of(environment)
        self._region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        self._clock = clock
        self._pool = ThreadPool(SOURCE, _THREADS, _DEADLINE)
        self._deletions = ThreadPool(SOURCE, 2, _DELETE_DEADLINE)
        # Bounded: Secrets are renewed and URIs have dates in them, and a client has sockets.
        self._client = lru_cache(_MOST_CLIENTS)(partial(new_client, region=self._region))
        self._digests = lru_cache(_MOST_LOCATIONS)(self._aged_digest)
        self._packages = lru_cache(_MOST_LOCATIONS)(self._aged_package)
        self._secrets = lru_cache(_MOST_LOCATIONS)(self._aged_secret)

    async def dataset_digest(self, location: ObjectLocation, max_age: timedelta) -> str | None:
        """See ports.Artifacts. ChurnModels with the same dataset share one listing."""
        return await self._digests(location).get(max_age.total_seconds())

    async def package(self, location: ObjectLocation, max_age: timedelta) -> Package | None:
        """See ports.Artifacts. ChurnModels with the same package share one look."""
        seen = await self._packages(location).get(max_age.total_seconds())
        return seen.package if seen is not None else None

    async def package_content(self, reference: PackageReference) -> bytes:
        """See ports.Artifacts."""
        location = reference.location
        try:
            client = self._client(location.endpoint, await self._credentials(location))
            return await self._pool.call(content_of, client, parse_uri(location.uri), reference.digest)
        except Rejected as error:
            # KFP has refused nothing: the next look at the package says what is wrong.
            raise Changed(SOURCE, error.message) from error

    async def report(self, output_uri: str) -> Report | None:
        """See ports.Artifacts."""
        uri = ArtifactLayout(output_uri).report
        content = await self._pool.call(read_object, self._own_client(), parse_uri(uri), _LARGEST_REPORT)
        return None if content is None else parse_report(uri, content)

    async def exists(self, uri: str) -> bool:
        """See ports.Artifacts."""
        return await self._pool.call(_exists, self._own_client(), _folder(uri))

    async def delete(self, uri: str) -> None:
        """See ports.Artifacts. Refuses a URI so shallow that it could hold other models' artifacts."""
        folder = _folder(uri)
        if not is_deletable(uri, self._settings.artifact_root):
            raise Rejected(SOURCE, f"{uri} is not the folder of one model: nothing was removed")
        await self._deletions.call(_delete, self._own_client(), folder)

    def close(self) -> None:
        """Let go of threads."""
        self._pool.close()
        self._deletions.close()

    async def ended(self) -> None:
        """Return once no thread is at work any more; after `close`."""
        await self._pool.ended()
        await self._deletions.ended()

    def _aged_digest(self, location: ObjectLocation) -> Aged[str | None]:
        async def ask() -> str | None:
            client = self._client(location.endpoint, await self._credentials(location))
            return await self._pool.call(_digest, client, parse_uri(location.uri))

        return Aged(ask, self._clock)

    def _aged_package(self, location: ObjectLocation) -> Aged[SeenPackage | None]:
        last: SeenPackage | None = None

        async def look() -> SeenPackage | None:
            nonlocal last
            client = self._client(location.endpoint, await self._credentials(location))
            last = await self._pool.call(look_at, client, parse_uri(location.uri), last)
            return last

        return Aged(look, self._clock)

    def _aged_secret(self, namespace: str, name: str) -> Aged[Credentials]:
        return Aged(partial(self._read_secret, namespace, name), self._clock)

    def _own_client(self) -> Minio:
        return self._client(self._settings.s3_endpoint, self._own_credentials)

    async def _credentials(self, location: ObjectLocation) -> Credentials | None:
        if location.secret_name is None:
            return self._own_credentials
        # A dataset and a package that are looked at in the same pass are opened by one reading of it.
        return await self._secrets(location.namespace, location.secret_name).get(_SECRET_AGE)

    async def _read_secret(self, namespace: str, secret_name: str) -> Credentials:
        name = f"{namespace}/{secret_name}"
        secret = await self._api.get(f"/api/v1/namespaces/{namespace}/secrets/{secret_name}")
        if secret is None:
            raise Rejected(SOURCE, f"the Secret {name} of dataset.secretRef does not exist: create it")
        found = credentials_of(_decoded(secret.get("data") or {}, name))
        if found is None:
            raise Rejected(SOURCE, f"the Secret {name} lacks {_ACCESS_KEY} or {_SECRET_KEY}: add them")
        return found


def credentials_of(variables: Mapping[str, str]) -> Credentials | None:
    """The credentials under the names every S3 client reads, or None."""
    access_key, secret_key = variables.get(_ACCESS_KEY), variables.get(_SECRET_KEY)
    if not access_key or not secret_key:
        return None
    return Credentials(access_key, secret_key, variables.get(_SESSION_TOKEN) or None)


def is_deletable(uri: str, artifact_root: str) -> bool:
    """Whether a folder is a model's own: below the artifact root's namespace and name, or at least
    three folders deep where the root was another one when the artifacts were made."""
    folder, root = parse_uri(uri), parse_uri(artifact_root)
    depth = len(root.segments)
    below_root = folder.bucket == root.bucket and folder.segments[:depth] == root.segments
    if below_root:
        return len(folder.segments) >= depth + 2
    return len(folder.segments) >= 3


def parse_report(uri: str, content: bytes) -> Report:
    """Read report.json. Raises Unreadable that names each field that is wrong."""
    try:
        return Report.model_validate_json(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)[:5]
        )
        raise Unreadable(SOURCE, f"{uri} cannot be read: {faults}") from error


def _decoded(data: Mapping[str, str], name: str) -> dict[str, str]:
    try:
        wanted = (_ACCESS_KEY, _SECRET_KEY, _SESSION_TOKEN)
        return {key: base64.b64decode(data[key]).decode().strip() for key in wanted if key in data}
    except (binascii.Error, UnicodeDecodeError):
        raise Rejected(SOURCE, f"the Secret {name} holds credentials that are not text") from None


def _folder(uri: str) -> Location:
    if not uri.endswith("/"):
        raise Rejected(SOURCE, f"{uri} does not end in a slash: it would match its neighbours too")
    return parse_uri(uri)


def _digest(client: Minio, location: Location) -> str | None:
    try:
        with classified():
            objects = []
            for item in client.list_objects(location.bucket, prefix=location.path.rstrip("/"), recursive=True):
                stop_if_given_up()
                if is_dataset_object(item.object_name, location.path):
                    objects.append((item.object_name, item.etag, item.size))
    except NotFound:
        return None
    return dataset_digest(objects) if objects else None


def _names(client: Minio, location: Location) -> Iterator[str]:
    for item in client.list_objects(location.bucket, prefix=location.path, recursive=True):
        yield item.object_name


def _exists(client: Minio, location: Location) -> bool:
    try:
        with classified():
            return next(_names(client, location), None) is not None
    except NotFound:
        return False


def _delete(client: Minio, location: Location) -> None:
    try:
        with classified():
            wanted = (DeleteObject(name) for name in _names(client, location))
            failures = list(client.remove_objects(location.bucket, wanted))
    except NotFound:
        return
    if failures:
        first = failures[0]
        raise Transient(SOURCE, f"{len(failures)} objects stayed, first {first.name}: {first.code} {first.message}")
