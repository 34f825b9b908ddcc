"""The Gateway API driver's view: one InferenceService a version in Standard mode, and an HTTPRoute with
weights. A candidate joins the route only when it is ready, so nobody meets a 503 (kserve 5983)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from churn_operator.core.traffic import (
    Arrangement,
    PredictorSettings,
    Readiness,
    Reading,
    RemoveVersionServiceStep,
    RouteStep,
    ServedVersion,
    ServingStep,
    VersionServiceStep,
)

FOREIGN = 0
"""The number of whatever is no version of ours, among the weights of a route."""


@dataclass(frozen=True)
class VersionService:
    """The InferenceService of one version; see VersionServiceStep."""

    number: int
    uri: str
    settings: PredictorSettings
    readiness: Readiness
    message: str = ""
    compared_with: int | None = None


@dataclass(frozen=True)
class GatewayObservation:
    """All InferenceServices of a ChurnModel and its HTTPRoute.

    `weights` are the route's (version number, percent) pairs sorted by number, empty without a route; FOREIGN is what
    somebody else added to it, and takes part in the traffic.
    `accepted` says whether a gateway has taken the route as it is now. `mirror` is the version that the route
    mirrors requests to, and the percent of them.
    """

    services: tuple[VersionService, ...] = ()
    weights: tuple[tuple[int, int], ...] = ()
    accepted: bool = False
    url: str | None = None
    terminating: bool = False
    mirror: tuple[int, int] | None = None

    @property
    def model_uri(self) -> str:
        """Empty: there are no revisions."""
        return ""

    @property
    def newest_revision(self) -> str:
        """Empty: a version's InferenceService never changes its model."""
        return ""

    @property
    def named_versions(self) -> Mapping[int, str]:
        """See TrafficObservation."""
        routed = {number: "" for number, _ in self.weights if number != FOREIGN}
        return {**routed, **{service.number: service.uri for service in self.services}}

    @property
    def shifting(self) -> bool:
        """A route that is not accepted yet leaves the one before in force."""
        return bool(self.weights) and not self.accepted

    def reading(self, version: ServedVersion, previous_revision: str) -> Reading:  # noqa: ARG002 - the port's form
        """See TrafficObservation."""
        service = self._service(version.number)
        if service is None:
            return Reading(Readiness.ABSENT, 0)
        percent = dict(self.weights).get(version.number, 0) if self.accepted else 0
        answering = percent > 0 and service.readiness is Readiness.READY
        return Reading(service.readiness, percent, service.message, answering=answering)

    def step_towards(self, wish: Arrangement, previous_revision: str) -> ServingStep | None:  # noqa: ARG002
        """See TrafficObservation."""
        wanted = [version for version in (wish.stable, wish.candidate) if version is not None]
        route = self._towards_route(wish)
        if wish.candidate is None and route is not None and self._is_route_to(wish.stable, route):
            # Traffic first: other settings follow.
            return route
        for version in wanted:
            service = self._service(version.number)
            step = VersionServiceStep(version, wish.settings, self._compared_with(version, wish))
            if service is None or not _is_as_wished(service, step):
                return step
        return route or self._removal({version.number for version in wanted})

    def in_effect(self, wish: Arrangement, previous_revision: str) -> bool:  # noqa: ARG002 - the port's form
        """See TrafficObservation."""
        shares = tuple(sorted((number, share) for number, share in wish.weights.items() if share))
        split = shares == tuple(pair for pair in self.weights if pair[1])
        return self.accepted and split and self.mirror == _mirror_of(wish)

    def changes_model(self, step: ServingStep) -> bool:  # noqa: ARG002 - the port's form
        """Never: each version has an InferenceService of its own."""
        return False

    def _compared_with(self, version: ServedVersion, wish: Arrangement) -> int | None:
        """What is there already stays while the version may answer requests: KServe starts its pods anew for any
        change, and without copies to compare it does nothing."""
        service = self._service(version.number)
        if wish.compared and version == wish.candidate and wish.stable is not None and self._is_idle(version.number):
            return wish.stable.number
        return service.compared_with if service is not None else None

    def _is_idle(self, number: int) -> bool:
        """Whether no request can reach the version; a route that is not accepted leaves one in force that is unseen."""
        seen = self.accepted or not self.weights
        return self._service(number) is None or (seen and not dict(self.weights).get(number))

    def _towards_route(self, wish: Arrangement) -> RouteStep | None:
        weights = self._attainable(wish)
        mirror = self._mirrored(wish, weights)
        there = (weights, mirror) == (self.weights, self.mirror)
        ours = bool(weights) and FOREIGN not in dict(weights)
        return RouteStep(weights, mirror) if ours and not there else None

    def _is_route_to(self, version: ServedVersion | None, route: RouteStep) -> bool:
        """Whether the route gives this version, with its model as it is wished for, everything."""
        service = self._service(version.number) if version is not None else None
        return (
            service is not None
            and version is not None
            and service.uri == version.uri
            and (route.weights == ((version.number, 100),))
        )

    def _attainable(self, wish: Arrangement) -> tuple[tuple[int, int], ...]:
        """The wished weights if every receiver is ready, else the stable version alone, else what serves now."""
        shares = {number: share for number, share in wish.weights.items() if share}
        if all(self._ready(number) for number in shares):
            return tuple(sorted(shares.items()))
        if wish.stable is not None and self._ready(wish.stable.number):
            return ((wish.stable.number, 100),)
        return self.weights

    def _mirrored(self, wish: Arrangement, weights: tuple[tuple[int, int], ...]) -> tuple[int, int] | None:
        """The wished copies, once their receiver is ready and gets no requests itself."""
        mirror = _mirror_of(wish)
        if mirror is None or mirror[0] in dict(weights) or not self._ready(mirror[0]):
            return None
        return mirror

    def _ready(self, number: int) -> bool:
        service = self._service(number)
        return service is not None and service.readiness is Readiness.READY

    def _removal(self, wanted: set[int]) -> ServingStep | None:
        routed = {number for number, share in self.weights if share}
        if self.mirror is not None:
            routed.add(self.mirror[0])
        if not self.accepted:
            return None
        for service in self.services:
            if service.number not in wanted | routed:
                return RemoveVersionServiceStep(service.number)
        return None

    def _service(self, number: int) -> VersionService | None:
        return next((service for service in self.services if service.number == number), None)


def _is_as_wished(service: VersionService, step: VersionServiceStep) -> bool:
    wished = (step.version.uri, step.settings, step.compared_with)
    return (service.uri, service.settings, service.compared_with) == wished


def _mirror_of(wish: Arrangement) -> tuple[int, int] | None:
    return (wish.candidate.number, wish.mirror) if wish.candidate is not None and wish.mirror else None
