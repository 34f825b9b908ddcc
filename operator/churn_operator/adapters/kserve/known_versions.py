"""The Gateway API driver's objects as the watch and our own writes last showed them.

An observation is made of several objects, so it is not enough that each is fresh: none may be missing. A ChurnModel is
therefore read once from the API server, and the watch keeps the result up to date. What the watch shows before that
reading began is in it; what it shows meanwhile is laid over it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from churn_operator.adapters.kserve import gateway
from churn_operator.adapters.kserve.predictor import KIND, MODEL_LABEL, Object
from churn_operator.api.v1alpha1 import common
from churn_operator.core.gateway import VersionService
from churn_operator.core.observation import ObjectKey

Reading = VersionService | gateway.RouteReading


@dataclass
class _Objects:
    """By kind and name: resourceVersion, and what the object says (None: it is gone, or no part of this)."""

    complete: bool = False
    found: dict[tuple[str, str], tuple[int, Reading | None]] = field(default_factory=dict)

    def put(self, kind: str, raw: Object, reading: Reading | None) -> None:
        metadata = raw["metadata"]
        place, version = (kind, metadata["name"]), int(metadata["resourceVersion"])
        if version < self.found.get(place, (0, None))[0]:
            return
        if reading is None and self.complete:
            self.found.pop(place, None)
        else:
            self.found[place] = (version, reading)


class KnownVersions:
    """InferenceServices of versions, and HTTPRoutes, by ChurnModel. The newest resourceVersion wins."""

    def __init__(self) -> None:
        self._models: dict[ObjectKey, _Objects] = {}

    def get(self, key: ObjectKey) -> tuple[tuple[VersionService, ...], gateway.RouteReading | None] | None:
        """All that is there; None where the API server has to be asked."""
        known = self._models.get(key)
        if known is None or not known.complete:
            return None
        readings = [reading for _, reading in known.found.values()]
        services = tuple(reading for reading in readings if isinstance(reading, VersionService))
        return services, next((reading for reading in readings if isinstance(reading, gateway.RouteReading)), None)

    def begin(self, key: ObjectKey) -> None:
        """Before the API server is asked: from now on, what the watch shows counts."""
        self._models[key] = _Objects()

    def finish(self, key: ObjectKey, services: Iterable[Object], route: Object | None) -> None:
        """What the API server answered."""
        known = self._models.setdefault(key, _Objects())
        for raw in services:
            known.put(KIND, raw, gateway.version_service(key, raw))
        if route is not None:
            known.put(gateway.ROUTE_KIND, route, _route_reading(key, route))
        known.found = {place: found for place, found in known.found.items() if found[1] is not None}
        known.complete = True

    def seen(self, raw: Object, deleted: bool = False) -> None:
        """Take in an object of the watch, or as our own write left it. What is not asked for passes by."""
        metadata, kind = raw["metadata"], raw.get("kind", KIND)
        name = (metadata.get("labels") or {}).get(MODEL_LABEL)
        key = ObjectKey(metadata["namespace"], str(name))
        known = self._models.get(key)
        if known is None:
            return
        reading: Reading | None = None
        if not deleted:
            reading = _route_reading(key, raw) if kind == gateway.ROUTE_KIND else gateway.version_service(key, raw)
        known.put(kind, raw, reading)

    def names(self) -> dict[tuple[str, ObjectKey], ObjectKey]:
        """Kind and name of each, with its ChurnModel."""
        return {
            (kind, ObjectKey(model.namespace, name)): model
            for model, known in self._models.items()
            for (kind, name), (_, reading) in known.found.items()
            if reading is not None
        }

    def removed(self, key: ObjectKey, name: str) -> None:
        """We deleted the InferenceService of a version."""
        known = self._models.get(key)
        if known is not None:
            known.found.pop((KIND, name), None)

    def forget(self, key: ObjectKey) -> None:
        """Ask the API server next time."""
        self._models.pop(key, None)


def is_owned(raw: Object, key: ObjectKey) -> bool:
    """Whether the ChurnModel owns an object."""
    owners = raw["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == common.KIND and owner.get("name") == key.name for owner in owners)


def _route_reading(key: ObjectKey, route: Object) -> gateway.RouteReading | None:
    named = route["metadata"]["name"] == key.name
    return gateway.route_reading(key, route) if named and is_owned(route, key) else None
