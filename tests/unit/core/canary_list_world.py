"""KServe's spec.canary[] in memory: one InferenceService in Standard mode, whose predictor and first canary are
Deployments named after versions. Follows `reconcileCanaryDeployments` and `applyCanaryWeights` of KServe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from churn_operator.core.canary_list import CanaryListObservation, CanaryShare, ListedCanary, ListedVersion
from churn_operator.core.traffic import CanaryListStep, PredictorSettings, Readiness, ServedVersion, ServingStep

from tests.unit.core.kserve_world import DELETION_TAKES, NO_SUCH_RUNTIME, Plans


@dataclass
class Pod:
    """The pods of one template of a Deployment; replicas are no part of it."""

    uri: str
    settings: PredictorSettings
    created: datetime

    def serves(self, version: ServedVersion, settings: PredictorSettings) -> bool:
        """Whether the template is still this one."""
        mine, wished = (replace(each, min_replicas=1, max_replicas=None) for each in (self.settings, settings))
        return (self.uri, mine) == (version.uri, wished)


@dataclass
class CanaryListWorld:
    """The InferenceService, if there is one."""

    plans: Plans
    lag: timedelta = timedelta(0)
    spec: CanaryListStep | None = None
    spec_changed: datetime | None = None
    pods: dict[int, list[Pod]] = field(default_factory=dict)
    predictor: int | None = None
    canary: tuple[int, int] | None = None
    routed: tuple[tuple[int, str, int], ...] = ()
    deleted: datetime | None = None

    def apply(self, step: ServingStep, now: datetime) -> None:
        """Server-side apply of the InferenceService."""
        assert isinstance(step, CanaryListStep), step
        assert 0 <= step.percent <= 100, step
        assert step.candidate is None or step.candidate.number != step.stable.number, "two of one name"
        if step != self.spec:
            self.spec, self.spec_changed = step, now
        self.tick(now)

    def delete(self, now: datetime) -> None:
        """Delete the InferenceService; it takes a moment."""
        if self.spec is not None and self.deleted is None:
            self.deleted = now

    def tick(self, now: datetime) -> None:
        """Let the controllers do what they do."""
        if self.deleted is not None and now >= self.deleted + DELETION_TAKES:
            self.__dict__.update(CanaryListWorld(self.plans, self.lag).__dict__)
        if self.spec is None or self.deleted is not None or self.spec_changed is None:
            return
        if now >= self.spec_changed + self.lag and self.spec.settings.runtime != NO_SUCH_RUNTIME:
            self._reconcile(self.spec, now)
        self._route(now)

    def _reconcile(self, spec: CanaryListStep, now: datetime) -> None:
        wanted = [version for version in (spec.stable, spec.candidate) if version is not None]
        self.pods = {number: pods for number, pods in self.pods.items() if number in [each.number for each in wanted]}
        for version in wanted:
            pods = self.pods.setdefault(version.number, [])
            if not pods or not pods[-1].serves(version, spec.settings):
                pods.append(Pod(version.uri, spec.settings, now))
        self.predictor = spec.stable.number
        self.canary = None if spec.candidate is None else (spec.candidate.number, spec.percent)

    def _route(self, now: datetime) -> None:
        """Weights for canaries that are ready; the rest for the predictor, once it was ready under its name."""
        main = None if self.predictor is None else self._serving(self.predictor, now)
        if self.predictor is None or main is None:
            self.routed = ()
            return
        shares = [(self.predictor, main.uri, 100)]
        if self.canary is not None and self._is_available(now):
            number, percent = self.canary
            pod = self._serving(number, now)
            assert pod is not None
            shares = [(self.predictor, main.uri, 100 - percent), (number, pod.uri, percent)]
        self.routed = tuple(shares)

    def _serving(self, number: int, now: datetime) -> Pod | None:
        """The newest pods that are ready, else those that were routed to and wait for their pod."""
        pods = self.pods.get(number, [])
        ready = [pod for pod in pods if self._readiness(pod, now) is Readiness.READY]
        known = [pod for pod in pods if (number, pod.uri) in {(each, uri) for each, uri, _ in self.routed}]
        return (ready or known or [None])[-1]

    def _is_available(self, now: datetime) -> bool:
        pod = None if self.canary is None else self._serving(self.canary[0], now)
        return pod is not None and self._readiness(pod, now) is Readiness.READY

    def _readiness(self, pod: Pod, now: datetime) -> Readiness:
        return self.plans(pod.uri).readiness(now - pod.created)

    def _predictor_readiness(self, now: datetime) -> tuple[Readiness, str]:
        """Ready stays True while an older template answers; a failed update is told apart by its transition."""
        assert self.spec is not None
        if self.spec.settings.runtime == NO_SUCH_RUNTIME:
            return Readiness.FAILED, "no runtime supports the model"
        pods = self.pods.get(self.predictor or 0, [])
        if pods and self._readiness(pods[-1], now) is Readiness.FAILED:
            return Readiness.FAILED, "the model does not load"
        ready = any(self._readiness(pod, now) is Readiness.READY for pod in pods)
        return (Readiness.READY if ready else Readiness.PROGRESSING), ""

    def observe(self, now: datetime) -> CanaryListObservation | None:
        """What the adapter reads of it."""
        if self.spec is None:
            return None
        stable, candidate, settings = self.spec.stable, self.spec.candidate, self.spec.settings
        readiness, message = self._predictor_readiness(now)
        listed = None
        if candidate is not None:
            version = ListedVersion(candidate.number, candidate.uri, replace(settings, max_replicas=None))
            listed = ListedCanary(version, self.spec.percent)
        shares = () if self.canary is None else (CanaryShare(self.canary[0], self._is_available(now), self.canary[1]),)
        return CanaryListObservation(
            predictor=ListedVersion(stable.number, stable.uri, settings),
            readiness=readiness,
            message=message,
            canary=listed,
            shares=shares,
            url="http://churn.team.example.com" if self.routed else None,
            terminating=self.deleted is not None,
        )

    def traffic(self) -> Mapping[str, int]:
        """Percent of live traffic by model URI; empty where nothing is served."""
        return {uri: percent for _, uri, percent in self.routed if percent}

    def next_change(self, now: datetime) -> datetime | None:
        """When something will change by itself."""
        times = [self.deleted + DELETION_TAKES] if self.deleted else []
        if self.spec_changed is not None:
            times.append(self.spec_changed + self.lag)
        for pods in self.pods.values():
            times += [pod.created + age for pod in pods for age in self.plans(pod.uri).changes()]
        return min((time for time in times if time > now), default=None)
