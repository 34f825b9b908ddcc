"""What is served, what should be, and the one step that leads from the one to the other.

The vocabulary is the drivers' common one; each driver reads the world into an observation of its own
that answers the same few questions (`TrafficObservation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from churn_operator.core.quantity import canonical


class Readiness(StrEnum):
    """Whether a version can answer requests."""

    ABSENT = "Absent"
    PROGRESSING = "Progressing"
    READY = "Ready"
    FAILED = "Failed"


@dataclass(frozen=True)
class PredictorSettings:
    """Everything of a predictor but its model: the same for all versions of a ChurnModel.

    `requests` and `limits` are sorted (resource, quantity) pairs; quantities take their canonical form,
    because KServe's webhooks give them that and a wish has to compare equal to what is stored.
    """

    runtime: str
    service_account_name: str | None = None
    min_replicas: int = 1
    max_replicas: int | None = None
    requests: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for field in ("requests", "limits"):
            pairs = tuple((name, canonical(quantity)) for name, quantity in getattr(self, field))
            object.__setattr__(self, field, pairs)


@dataclass(frozen=True)
class ServedVersion:
    """A version as the data plane sees it. `revision` is the one it was last seen as, or empty."""

    number: int
    uri: str
    sha256: str
    revision: str = ""


@dataclass(frozen=True)
class Arrangement:
    """Who should answer: the stable version, and a candidate with `weight` percent of the traffic.

    Without a candidate the stable version gets everything; without a stable version (a first rollout)
    the candidate does. At least one of the two is there. While its weight is 0 the candidate may get a copy of
    `mirror` percent of the requests; only the Gateway API driver makes copies. `compared` says whether its answers to
    them are to be compared with the stable version's.
    """

    stable: ServedVersion | None
    candidate: ServedVersion | None
    weight: int
    settings: PredictorSettings
    mirror: int = 0
    compared: bool = False

    def __post_init__(self) -> None:
        if self.stable is None and self.candidate is None:
            raise ValueError("an arrangement needs a version to serve")
        if not (0 <= self.weight <= 100 and 0 <= self.mirror <= 100):
            raise ValueError(f"weight {self.weight} or mirror {self.mirror} is not a percentage")
        if self.mirror and self.weight:
            raise ValueError("a candidate that answers requests gets no copies of them")
        if self.compared and not self.mirror:
            raise ValueError("only answers to copies of requests are compared")

    @property
    def weights(self) -> dict[int, int]:
        """Percent of traffic by version number; they sum to 100."""
        match self.stable, self.candidate:
            case ServedVersion() as stable, ServedVersion() as candidate:
                return {stable.number: 100 - self.weight, candidate.number: self.weight}
            case ServedVersion() as only, None:
                return {only.number: 100}
            case None, ServedVersion() as only:
                return {only.number: 100}
            case _:
                raise AssertionError("excluded by __post_init__")


@dataclass(frozen=True)
class KnativeStep:
    """Apply the InferenceService with this version's model URI and canaryTrafficPercent."""

    version: ServedVersion
    percent: int
    settings: PredictorSettings


@dataclass(frozen=True)
class VersionServiceStep:
    """Apply the InferenceService of one version (Standard mode: one InferenceService a version).

    `compared_with` is the number of the version whose answers to mirrored requests it compares with its own.
    """

    version: ServedVersion
    settings: PredictorSettings
    compared_with: int | None = None


@dataclass(frozen=True)
class RouteStep:
    """Apply the HTTPRoute with these (version number, percent) weights, sorted by number.

    `mirror` is a version number and the percent of requests that it gets a copy of, whose answers nobody sees.
    """

    weights: tuple[tuple[int, int], ...]
    mirror: tuple[int, int] | None = None


@dataclass(frozen=True)
class RemoveVersionServiceStep:
    """Delete the InferenceService of a version that gets no traffic."""

    number: int


@dataclass(frozen=True)
class CanaryListStep:
    """Apply the InferenceService with `stable` as its predictor and `candidate` as its canary at `percent`.

    A version without sha256 names what is there already: its environment stays as it is.
    """

    stable: ServedVersion
    candidate: ServedVersion | None
    percent: int
    settings: PredictorSettings


ServingStep = KnativeStep | VersionServiceStep | RouteStep | RemoveVersionServiceStep | CanaryListStep


@dataclass(frozen=True)
class Reading:
    """What an observation says of one version.

    `readiness` is about the version as it is wished for now; `answering` says whether any pod of it gets
    requests and is not known to have failed, which can be one from before the last change of settings.
    """

    readiness: Readiness
    percent: int
    message: str = ""
    revision: str = ""
    answering: bool = False


class TrafficObservation(Protocol):
    """What a traffic driver saw. All methods are pure."""

    @property
    def url(self) -> str | None:
        """Where the model answers, if that is known."""

    @property
    def model_uri(self) -> str:
        """The model URI whose changes make revisions, or empty where the driver has no revisions."""

    @property
    def newest_revision(self) -> str:
        """Name of the newest revision, or empty where the driver has none."""

    @property
    def named_versions(self) -> Mapping[int, str]:
        """The model URI of each version number that stands in a name, empty where only a route has it; nothing where
        no name has one."""

    @property
    def terminating(self) -> bool:
        """Whether a deletion is under way."""

    @property
    def shifting(self) -> bool:
        """Whether traffic still follows an earlier wish, so that shares cannot be told."""

    def reading(self, version: ServedVersion, previous_revision: str) -> Reading:
        """Readiness and live share of a version. `previous_revision` was the newest one before the model
        URI in spec was put there: a revision belongs to that URI only if it is a later one."""

    def step_towards(self, wish: Arrangement, previous_revision: str) -> ServingStep | None:
        """The next single step, or None when the wish is in place or needs waiting for."""

    def in_effect(self, wish: Arrangement, previous_revision: str) -> bool:
        """Whether the wish is what live traffic gets now."""

    def changes_model(self, step: ServingStep) -> bool:
        """Whether the step changes the model URI of an existing InferenceService (makes a revision)."""
