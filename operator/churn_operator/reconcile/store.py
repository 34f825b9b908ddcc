"""The newest state of each ChurnModel that was seen, whoever told of it: the watch or our own writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from churn_operator.core.observation import ObjectKey


class ObjectStore:
    """Raw objects by key; an older resourceVersion never replaces a newer one, so that a pass never acts on
    a state from before its own last write."""

    def __init__(self) -> None:
        self._objects: dict[ObjectKey, Mapping[str, Any]] = {}

    def put(self, key: ObjectKey, raw: Mapping[str, Any]) -> bool:
        """Remember an object; answers whether it was news."""
        known = self._objects.get(key)
        if known is not None and not _newer(raw, known):
            return False
        self._objects[key] = raw
        return True

    def remove(self, key: ObjectKey) -> None:
        """Forget an object that is gone."""
        self._objects.pop(key, None)

    def get(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """The newest state seen, or None."""
        return self._objects.get(key)

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(tuple(self._objects))

    def __len__(self) -> int:
        return len(self._objects)


def _newer(raw: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    if raw["metadata"].get("uid") != known["metadata"].get("uid"):
        return True
    return int(raw["metadata"]["resourceVersion"]) > int(known["metadata"]["resourceVersion"])
