"""Users' packages in an S3 store: looked at by their etag, downloaded only when that is another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from minio import Minio

from churn_operator.adapters.kfp_package import package_in
from churn_operator.adapters.kfp_reading import LARGEST_PACKAGE
from churn_operator.adapters.s3 import SOURCE, Location, classified, read_object
from churn_operator.core.observation import Package, UnreadablePackage
from churn_operator.errors import Changed, NotFound, Unreadable


@dataclass(frozen=True)
class SeenPackage:
    """What an object was, and what S3 said of it just before it was read: etag, version and size."""

    identity: tuple[str | None, str | None, int | None]
    package: Package


def look_at(client: Minio, location: Location, before: SeenPackage | None) -> SeenPackage | None:
    """What the object is now; None where there is none. One request where it is what it was `before`, else two."""
    try:
        with classified():
            stat = client.stat_object(location.bucket, location.path)
    except NotFound:
        return None
    identity = (stat.etag, stat.version_id, stat.size)
    if before is not None and before.identity == identity:
        return before
    try:
        content = read_object(client, location, LARGEST_PACKAGE)
    except Unreadable:
        most = LARGEST_PACKAGE // 1024**2
        return SeenPackage(identity, UnreadablePackage(f"has more than {most} MiB, which KFP takes from nobody"))
    return None if content is None else SeenPackage(identity, package_in(content))


def content_of(client: Minio, location: Location, digest: str) -> bytes:
    """The object's content, if its sha256 is this. Raises Changed."""
    uri = f"s3://{location.bucket}/{location.path}"
    try:
        content = read_object(client, location, LARGEST_PACKAGE)
    except Unreadable:
        content = None
    if content is None:
        raise Changed(SOURCE, f"{uri} is not there any more")
    if hashlib.sha256(content).hexdigest() != digest:
        raise Changed(SOURCE, f"{uri} was changed since it was looked at")
    return content
