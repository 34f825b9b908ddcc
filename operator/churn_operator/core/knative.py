"""The Knative driver's view: one InferenceService whose canaryTrafficPercent splits the newest revision
from the one that was last rolled out (KServe's rules, observed on the real controller):

- a split needs a rolled-out revision; a first rollout is never a canary;
- leaving canaryTrafficPercent out promotes, so it is always written;
- with 0 all traffic goes to the rolled-out revision, but the model URI in spec stays the bad one, so a
  rollback restores the URI at 0 percent and gives it everything when its own revision is ready.
"""

from __future__ import annotations

from dataclasses import dataclass

from churn_operator.core.traffic import (
    Arrangement,
    KnativeStep,
    PredictorSettings,
    Readiness,
    Reading,
    ServedVersion,
    ServingStep,
)

_FAILED_TRANSITIONS = ("BlockedByFailedLoad", "InvalidSpec")


@dataclass(frozen=True)
class RevisionTraffic:
    """One entry of status.components.predictor.traffic."""

    revision: str
    percent: int


@dataclass(frozen=True)
class KnativeObservation:
    """An InferenceService in Knative mode. Empty strings where status has no such revision yet.

    `percent` is None when spec has no canaryTrafficPercent. `transition` is modelStatus.transitionStatus;
    `failure` is its lastFailureInfo message, given only while the transition is not UpToDate (it is sticky).
    """

    uri: str
    percent: int | None
    settings: PredictorSettings
    latest_created: str = ""
    latest_ready: str = ""
    latest_rolled_out: str = ""
    previous_rolled_out: str = ""
    traffic: tuple[RevisionTraffic, ...] = ()
    transition: str = ""
    failure: str = ""
    revision_failed: bool = False
    url: str | None = None
    terminating: bool = False

    @property
    def newest_revision(self) -> str:
        """The revision created last."""
        return self.latest_created

    def reading(self, version: ServedVersion, previous_revision: str) -> Reading:
        """See TrafficObservation."""
        if version.uri == self.uri:
            return self._newest(previous_revision)
        percent = self._percent_of(version.revision) if version.revision else 0
        return Reading(
            readiness=Readiness.READY if percent else Readiness.ABSENT,
            percent=percent,
            revision=version.revision,
        )

    def step_towards(self, wish: Arrangement, previous_revision: str) -> ServingStep | None:
        """See TrafficObservation."""
        match wish.stable, wish.candidate:
            case ServedVersion(), ServedVersion() as candidate:
                wanted = KnativeStep(candidate, wish.weight, wish.settings)
            case None, ServedVersion() as candidate:
                wanted = KnativeStep(candidate, 100, wish.settings)
            case ServedVersion() as stable, None:
                wanted = self._towards_only(stable, wish.settings, previous_revision)
            case _:
                raise AssertionError("an arrangement needs a version to serve")
        return None if self._is(wanted) else wanted

    def in_effect(self, wish: Arrangement, previous_revision: str) -> bool:
        """See TrafficObservation."""
        if self.step_towards(wish, previous_revision) is not None:
            return False
        shares = wish.weights
        versions = [version for version in (wish.stable, wish.candidate) if version is not None]
        return all(self.reading(version, previous_revision).percent == shares[version.number] for version in versions)

    def changes_model(self, step: ServingStep) -> bool:
        """See TrafficObservation."""
        return isinstance(step, KnativeStep) and step.version.uri != self.uri

    def _towards_only(self, stable: ServedVersion, settings: PredictorSettings, previous_revision: str) -> KnativeStep:
        if self.uri == stable.uri:
            ready = self._newest(previous_revision).readiness is Readiness.READY
            keep = self.percent if self.percent is not None else 100
            return KnativeStep(stable, 100 if ready or not self.latest_rolled_out else keep, settings)
        if not self.latest_rolled_out:
            return KnativeStep(stable, 100, settings)
        in_canary = self.percent is not None and 0 < self.percent < 100
        if in_canary:
            # Traffic first: the rolled-out revision has everything at once, the URI follows.
            bad = ServedVersion(number=0, uri=self.uri, sha256="")
            return KnativeStep(bad, 0, self.settings)
        return KnativeStep(stable, 0, settings)

    def _is(self, step: KnativeStep) -> bool:
        return (step.version.uri, step.percent, step.settings) == (self.uri, self.percent, self.settings)

    def _newest(self, previous_revision: str) -> Reading:
        revision = self.latest_created
        if not revision or revision == previous_revision:
            failed = self.transition == "InvalidSpec"
            readiness = Readiness.FAILED if failed else Readiness.PROGRESSING
            return Reading(readiness, 0, self.failure if failed else "", "")
        percent = self._percent_of(revision)
        if self.transition in _FAILED_TRANSITIONS or self.revision_failed:
            return Reading(Readiness.FAILED, percent, self.failure, revision)
        ready = self.latest_ready == revision
        return Reading(Readiness.READY if ready else Readiness.PROGRESSING, percent, "", revision)

    def _percent_of(self, revision: str) -> int:
        return sum(entry.percent for entry in self.traffic if entry.revision == revision)
