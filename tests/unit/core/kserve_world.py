"""KServe in memory: the rules of the real controller that the operator depends on, at the pace of a given clock.

Knative mode follows `createKnativeService` and `PropagateStatus` of the KServe controller; Standard mode is one
InferenceService a version behind an HTTPRoute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from churn_operator.core.gateway import GatewayObservation, VersionService
from churn_operator.core.knative import KnativeObservation, RevisionTraffic
from churn_operator.core.traffic import (
    KnativeStep,
    PredictorSettings,
    Readiness,
    RemoveVersionServiceStep,
    RouteStep,
    ServingStep,
    VersionServiceStep,
)

NO_SUCH_RUNTIME = "no-such-runtime"
"""A runtime that no cluster has: KServe answers InvalidSpec."""
DELETION_TAKES = timedelta(seconds=3)


@dataclass(frozen=True)
class ServingPlan:
    """How a model behaves when it is served: `start` until it is ready (None: never), or that it never loads, or
    breaks some time after it was ready."""

    start: timedelta | None = timedelta(seconds=20)
    loads: bool = True
    breaks_after: timedelta | None = None

    def readiness(self, age: timedelta) -> Readiness:
        """Readiness of a pod of this age."""
        if self.start is None or age < self.start:
            return Readiness.PROGRESSING
        if not self.loads:
            return Readiness.FAILED
        if self.breaks_after is not None and age >= self.start + self.breaks_after:
            return Readiness.FAILED
        return Readiness.READY

    def changes(self) -> tuple[timedelta, ...]:
        """The ages at which readiness changes."""
        if self.start is None:
            return ()
        return (self.start,) if self.breaks_after is None else (self.start, self.start + self.breaks_after)


Plans = Callable[[str], ServingPlan]


@dataclass
class Revision:
    """A Knative revision."""

    name: str
    uri: str
    settings: PredictorSettings
    created: datetime


@dataclass
class KnativeWorld:
    """One InferenceService in Knative mode, if there is one."""

    plans: Plans
    lag: timedelta = timedelta(0)
    spec: KnativeStep | None = None
    spec_changed: datetime | None = None
    revisions: list[Revision] = field(default_factory=list)
    latest_ready: str = ""
    latest_rolled_out: str = ""
    previous_rolled_out: str = ""
    effective: tuple[tuple[str, int, bool], ...] = ()
    transition: str = ""
    failure: str = ""
    deleted: datetime | None = None

    def apply(self, step: ServingStep, now: datetime) -> None:
        """Server-side apply of the InferenceService."""
        assert isinstance(step, KnativeStep), step
        assert 0 <= step.percent <= 100, step
        if self._content(step) != self._content(self.spec):
            self.spec_changed = now
        self.spec = step
        self.tick(now)

    @staticmethod
    def _content(step: KnativeStep | None) -> object:
        return step and (step.version.uri, step.percent, step.settings)

    def delete(self, now: datetime) -> None:
        """Delete the InferenceService; it takes a moment."""
        if self.spec is not None and self.deleted is None:
            self.deleted = now

    def tick(self, now: datetime) -> None:
        """Let the controllers do what they do."""
        if self.deleted is not None and now >= self.deleted + DELETION_TAKES:
            plans, lag = self.plans, self.lag
            self.__dict__.update(KnativeWorld(plans, lag).__dict__)
        if self.spec is None or self.deleted is not None or self.spec_changed is None:
            return
        if now >= self.spec_changed + self.lag:
            self._reconcile(now)
        for _ in range(3):  # KServe reconciles again when its own status has changed
            self._propagate(now)

    def _reconcile(self, now: datetime) -> None:
        assert self.spec is not None
        if self.spec.settings.runtime == NO_SUCH_RUNTIME:
            return
        newest = self.revisions[-1] if self.revisions else None
        if newest is None or (newest.uri, newest.settings) != (self.spec.version.uri, self.spec.settings):
            name = f"churn-predictor-{len(self.revisions) + 1:05d}"
            self.revisions.append(Revision(name, self.spec.version.uri, self.spec.settings, now))

    def _targets(self) -> tuple[tuple[str, int, bool], ...]:
        assert self.spec is not None
        if not self.latest_rolled_out or self.spec.percent == 100:
            return ((self.latest_ready, 100, True),)
        rest = (self.latest_rolled_out, 100 - self.spec.percent, False)
        return ((self.latest_ready, self.spec.percent, True), rest)

    def readiness(self, name: str, now: datetime) -> Readiness:
        """Readiness of a revision."""
        revision = next(one for one in self.revisions if one.name == name)
        return self.plans(revision.uri).readiness(now - revision.created)

    def _propagate(self, now: datetime) -> None:
        assert self.spec is not None
        for revision in self.revisions:
            if self.readiness(revision.name, now) is Readiness.READY and revision.name > self.latest_ready:
                self.latest_ready = revision.name
        self._shift(now)
        self._record_rollout()
        self._record_model(now)

    def _shift(self, now: datetime) -> None:
        assert self.spec is not None
        assert self.spec_changed is not None
        blocked = self.spec.settings.runtime == NO_SUCH_RUNTIME or now < self.spec_changed + self.lag
        if blocked or not self.latest_ready:
            return
        wished = self._targets()
        if all(self.readiness(name, now) is Readiness.READY for name, percent, _ in wished if percent):
            self.effective = wished

    def _record_rollout(self) -> None:
        latest = next((share for share in self.effective if share[2]), None)
        if latest is None or latest[0] != self.latest_ready:
            return
        if self.latest_rolled_out != self.latest_ready:
            if latest[1] == 100:
                self.previous_rolled_out, self.latest_rolled_out = self.latest_rolled_out, self.latest_ready
            return
        total = sum(percent for name, percent, _ in self.effective if name == latest[0])
        newest = self.revisions[-1].name == self.latest_ready
        if newest and latest[1] < 100 and total == 100 and self.previous_rolled_out:
            self.latest_rolled_out = self.previous_rolled_out

    def _record_model(self, now: datetime) -> None:
        assert self.spec is not None
        if self.spec.settings.runtime == NO_SUCH_RUNTIME:
            self.transition, self.failure = "InvalidSpec", "no runtime supports the model"
            return
        if not self.revisions:
            self.transition = "InProgress"
            return
        match self.readiness(self.revisions[-1].name, now):
            case Readiness.READY:
                self.transition = "UpToDate"
            case Readiness.FAILED:
                self.transition, self.failure = "BlockedByFailedLoad", "the model does not load"
            case _:
                self.transition = "InProgress"

    def observe(self, now: datetime) -> KnativeObservation | None:
        """What the adapter reads of it."""
        if self.spec is None:
            return None
        newest = self.revisions[-1].name if self.revisions else ""
        traffic = tuple(RevisionTraffic(name, percent) for name, percent, _ in self.effective)
        return KnativeObservation(
            uri=self.spec.version.uri,
            percent=self.spec.percent,
            settings=self.spec.settings,
            latest_created=newest,
            latest_ready=self.latest_ready,
            latest_rolled_out=self.latest_rolled_out,
            previous_rolled_out=self.previous_rolled_out,
            traffic=traffic,
            transition=self.transition,
            failure="" if self.transition == "UpToDate" else self.failure,
            url="http://churn.team.example.com" if self.latest_ready else None,
            terminating=self.deleted is not None,
        )

    def traffic(self) -> Mapping[str, int]:
        """Percent of live traffic by model URI; empty where nothing is served."""
        shares: dict[str, int] = {}
        uris = {revision.name: revision.uri for revision in self.revisions}
        for name, percent, _ in self.effective:
            shares[uris[name]] = shares.get(uris[name], 0) + percent
        return {uri: percent for uri, percent in shares.items() if percent}

    def next_change(self, now: datetime) -> datetime | None:
        """When something will change by itself: what a watch would tell of."""
        times = [self.deleted + DELETION_TAKES] if self.deleted else []
        if self.spec_changed is not None:
            times.append(self.spec_changed + self.lag)
        for revision in self.revisions:
            times += [revision.created + age for age in self.plans(revision.uri).changes()]
        return min((time for time in times if time > now), default=None)


@dataclass
class GatewayWorld:
    """InferenceServices of versions in Standard mode, and the HTTPRoute before them."""

    plans: Plans
    lag: timedelta = timedelta(seconds=1)
    services: dict[int, VersionServiceStep] = field(default_factory=dict)
    created: dict[int, datetime] = field(default_factory=dict)
    weights: tuple[tuple[int, int], ...] = ()
    accepted_weights: tuple[tuple[int, int], ...] = ()
    mirror: tuple[int, int] | None = None
    accepted_mirror: tuple[int, int] | None = None
    route_changed: datetime | None = None
    deleted: datetime | None = None

    def apply(self, step: ServingStep, now: datetime) -> None:
        """Take a step."""
        match step:
            case VersionServiceStep(version):
                there = self.services.get(version.number)
                assert there is None or there.version.uri == version.uri, "a version becomes another in its place"
                if dict(self.accepted_weights).get(version.number) and there is not None:
                    assert step.compared_with == there.compared_with, "what answers requests is started anew"
                if version.number not in self.services:
                    self.created[version.number] = now
                self.services[version.number] = step
            case RouteStep(weights, mirror):
                assert sum(percent for _, percent in weights) == 100, step
                assert mirror is None or mirror[0] not in dict(weights), step
                self.weights, self.mirror, self.route_changed = weights, mirror, now
            case RemoveVersionServiceStep(number):
                assert number not in dict(self.accepted_weights), "a version with traffic is removed"
                assert self.accepted_mirror is None or self.accepted_mirror[0] != number, "a mirror is removed"
                self.services.pop(number, None)
                self.created.pop(number, None)
            case _:
                raise AssertionError(step)
        self.tick(now)

    def delete(self, now: datetime) -> None:
        """Delete all of it; it takes a moment."""
        if self.services and self.deleted is None:
            self.deleted = now

    def tick(self, now: datetime) -> None:
        """Let the controllers do what they do."""
        if self.deleted is not None and now >= self.deleted + DELETION_TAKES:
            self.__dict__.update(GatewayWorld(self.plans, self.lag).__dict__)
        if self.route_changed is not None and now >= self.route_changed + self.lag:
            self.accepted_weights, self.accepted_mirror = self.weights, self.mirror

    def _service(self, number: int, step: VersionServiceStep, now: datetime) -> VersionService:
        readiness = self.plans(step.version.uri).readiness(now - self.created[number])
        message = "the model does not load" if readiness is Readiness.FAILED else ""
        if step.settings.runtime == NO_SUCH_RUNTIME:
            readiness, message = Readiness.FAILED, "no runtime supports the model"
        return VersionService(number, step.version.uri, step.settings, readiness, message, step.compared_with)

    def observe(self, now: datetime) -> GatewayObservation | None:
        """What the adapter reads of it."""
        if not self.services:
            return None
        return GatewayObservation(
            services=tuple(self._service(number, step, now) for number, step in sorted(self.services.items())),
            weights=self.weights,
            accepted=bool(self.weights)
            and (self.weights, self.mirror) == (self.accepted_weights, self.accepted_mirror),
            url="http://churn.team.example.com" if self.accepted_weights else None,
            terminating=self.deleted is not None,
            mirror=self.mirror,
        )

    def compares(self, number: int, other: int) -> bool:
        """Whether a version's server was told to compare its answers with those of this other one."""
        step = self.services.get(number)
        return step is not None and step.compared_with == other

    def mirrored(self) -> Mapping[str, int]:
        """Percent of requests copied, by the URI of the model that gets them."""
        if self.accepted_mirror is None:
            return {}
        number, percent = self.accepted_mirror
        return {self.services[number].version.uri: percent}

    def traffic(self) -> Mapping[str, int]:
        """Percent of live traffic by model URI; empty where nothing is served."""
        return {self.services[number].version.uri: percent for number, percent in self.accepted_weights if percent}

    def next_change(self, now: datetime) -> datetime | None:
        """When something will change by itself."""
        times = [self.deleted + DELETION_TAKES] if self.deleted else []
        if self.route_changed is not None:
            times.append(self.route_changed + self.lag)
        for number, step in self.services.items():
            times += [self.created[number] + age for age in self.plans(step.version.uri).changes()]
        return min((time for time in times if time > now), default=None)
