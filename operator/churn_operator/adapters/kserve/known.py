"""InferenceServices as the watch and our own writes last showed them: read once, kept small."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from churn_operator.adapters.kserve import canary_list, knative
from churn_operator.adapters.kserve.predictor import KIND, Object, mode_of, model_name_of
from churn_operator.core.canary_list import CanaryListObservation
from churn_operator.core.knative import KnativeObservation
from churn_operator.core.observation import ObjectKey

_STANDARD_MODES = ("Standard", "RawDeployment")
_REMEMBERED_ENDS = 1000


@dataclass(frozen=True)
class KnownService:
    """The one InferenceService of a ChurnModel, as its deployment mode has it; `version` is its resourceVersion."""

    version: int
    observation: KnativeObservation | CanaryListObservation
    kept: canary_list.Kept


class KnownServices:
    """By ChurnModel. The newest resourceVersion wins, whichever way it came."""

    def __init__(self) -> None:
        self._known: dict[ObjectKey, KnownService] = {}
        self._gone: OrderedDict[ObjectKey, int] = OrderedDict()

    def get(self, key: ObjectKey) -> KnownService | None:
        """What is known; None does not say that there is nothing."""
        return self._known.get(key)

    def seen(self, raw: Object, deleted: bool = False) -> None:
        """Take in an object of the watch. What is no InferenceService, or no ChurnModel's, or a version's of
        its own, passes by."""
        if raw.get("kind", KIND) != KIND:
            return
        metadata = raw["metadata"]
        key = ObjectKey(metadata["namespace"], metadata["name"])
        if model_name_of(raw) != key.name:
            if key in self._known and self._is_newer(key, raw):
                # Somebody took our label away.
                self.forget(key)
            return
        if not self._is_newer(key, raw):
            return
        if deleted:
            self._bury(key, int(metadata["resourceVersion"]))
        else:
            self._known[key] = known_service(raw)

    def names(self) -> dict[tuple[str, ObjectKey], ObjectKey]:
        """Kind and name of each, with its ChurnModel."""
        return {(KIND, key): key for key in self._known}

    def forget(self, key: ObjectKey) -> None:
        """Ask the API server next time."""
        self._known.pop(key, None)

    def _bury(self, key: ObjectKey, version: int) -> None:
        """It is gone: an answer of the API server that was on its way meanwhile may still show it."""
        self.forget(key)
        self._gone[key] = version
        self._gone.move_to_end(key)
        if len(self._gone) > _REMEMBERED_ENDS:
            self._gone.popitem(last=False)

    def _is_newer(self, key: ObjectKey, raw: Object) -> bool:
        known, version = self._known.get(key), int(raw["metadata"]["resourceVersion"])
        return version > self._gone.get(key, 0) and (known is None or version >= known.version)


def known_service(raw: Object) -> KnownService:
    """What is kept of an InferenceService."""
    observation = canary_list.observation(raw) if mode_of(raw) in _STANDARD_MODES else knative.observation(raw)
    return KnownService(int(raw["metadata"]["resourceVersion"]), observation, canary_list.kept_of(raw))
