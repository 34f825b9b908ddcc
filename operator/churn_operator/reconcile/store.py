"""The newest state of each ChurnModel that was seen, whoever told of it: the watch or our own writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from churn_operator.core.observation import ObjectKey


@dataclass(frozen=True, slots=True)
class _Packed:
    """An object as JSON: a tenth of the memory that it takes as dictionaries, and quickly read when its turn comes."""

    uid: str
    version: int
    document: bytes


class ObjectStore:
    """Raw objects by key; an older resourceVersion never replaces a newer one, so that a pass never acts on
    a state from before its own last write. metadata.managedFields, often half of an object, are left out."""

    def __init__(self) -> None:
        self._objects: dict[ObjectKey, _Packed] = {}

    def put(self, key: ObjectKey, raw: Mapping[str, Any]) -> bool:
        """Remember an object; answers whether it was news."""
        known = self._objects.get(key)
        if known is not None and int(raw["metadata"]["resourceVersion"]) <= known.version:
            return False
        self.replace(key, raw)
        return True

    def replace(self, key: ObjectKey, raw: Mapping[str, Any]) -> None:
        """Remember an object as the API server has it now, whatever was known: after etcd was restored from a backup
        an older resourceVersion is the newest."""
        metadata = raw["metadata"]
        uid, version = metadata.get("uid", ""), int(metadata["resourceVersion"])
        kept = {name: value for name, value in metadata.items() if name != "managedFields"}
        self._objects[key] = _Packed(uid, version, json.dumps({**raw, "metadata": kept}).encode())

    def remove(self, key: ObjectKey, uid: str | None = None) -> bool:
        """Forget an object that is gone; answers whether it was known. With `uid`, only the object that has it: the
        end of one may be told after the beginning of another of the same name."""
        known = self._objects.get(key)
        if known is None or uid not in (None, known.uid):
            return False
        del self._objects[key]
        return True

    def get(self, key: ObjectKey) -> dict[str, Any] | None:
        """The newest state seen, or None. The caller owns what it gets."""
        packed = self._objects.get(key)
        return None if packed is None else json.loads(packed.document)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._objects

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(tuple(self._objects))

    def __len__(self) -> int:
        return len(self._objects)
