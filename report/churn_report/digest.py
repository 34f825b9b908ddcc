"""The digest of a dataset: computed alike by the operator that watches it and the trainer that reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def is_dataset_object(key: str, path: str) -> bool:
    """Whether the object `key` belongs to the dataset at `path` (both without the bucket).

    `path` names one object, or a folder with or without a trailing slash; the empty path is the
    whole bucket. `a/b` covers `a/b` and `a/b/c`, not `a/bc`. Folder markers (`a/b/`) never count.
    """
    if key.endswith("/"):
        return False
    folder = path.rstrip("/")
    return not folder or key == folder or key.startswith(f"{folder}/")


def dataset_digest(objects: Iterable[tuple[str, str, int]]) -> str:
    """sha256 (hex) over the lines `<key> <etag> <size>\\n`, sorted by key.

    `objects` are (key, etag, size in bytes) of every object of the dataset; an etag may come in
    quotes, as S3 sends it.
    """
    digest = hashlib.sha256()
    for key, etag, size in sorted(objects):
        digest.update(f"{key} {etag.strip(chr(34))} {size}\n".encode())
    return digest.hexdigest()
