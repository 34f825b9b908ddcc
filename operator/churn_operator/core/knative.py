"""The Knative driver's view: one InferenceService whose canaryTrafficPercent splits the newest revision
from the one that was last rolled out (KServe's rules, observed on the real controller):

- a split needs a rolled-out revision; a first rollout is never a canary;
- leaving canaryTrafficPercent out promotes, so it is always written;
- the newest revision's share goes to the newest *ready* one: until a candidate's own is ready, its weight
  would reach the model before it, so it is held at 0 unless that is the rolled-out one anyway, and no other
  can get ready first;
- with 0 all traffic goes to the rolled-out revision, but the model URI in spec stays the bad one, so a
  rollback restores the URI at 0 percent and gives it everything when its own revision is ready;
- a share below 100 for a URI whose newest revision is the rolled-out one is read as the wish to take that
  promotion back, and brings the revision rolled out before it into service at once: that is how a version which
  has everything goes back, where the revision before it is the wished version's and the newest one is ready.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    def model_uri(self) -> str:
        """The URI in spec."""
        return self.uri

    @property
    def newest_revision(self) -> str:
        """The revision created last."""
        return self.latest_created

    @property
    def named_versions(self) -> Mapping[int, str]:
        """None: revisions are told apart by their model's URI."""
        return {}

    @property
    def shifting(self) -> bool:
        """Never: status.traffic is what Knative does."""
        return False

    def reading(self, version: ServedVersion, previous_revision: str) -> Reading:
        """See TrafficObservation."""
        if version.uri == self.uri:
            return self._reading_of_newest(version, previous_revision)
        percent = self._percent_of(version.revision)
        readiness = Readiness.READY if percent else Readiness.ABSENT
        return Reading(readiness, percent, revision=version.revision, answering=percent > 0)

    def step_towards(self, wish: Arrangement, previous_revision: str) -> ServingStep | None:
        """See TrafficObservation."""
        match wish.stable, wish.candidate:
            case ServedVersion() as stable, ServedVersion() as candidate:
                wanted = self._towards_split(stable, candidate, wish, previous_revision)
            case None, ServedVersion() as candidate:
                wanted = KnativeStep(candidate, 100, wish.settings)
            case ServedVersion() as stable, None:
                wanted = self._towards_only(stable, wish.settings, previous_revision)
            case _:
                raise AssertionError("an arrangement needs a version to serve")
        if wanted is None or self._is(wanted):
            return None
        in_flight = self._is_in_flight(previous_revision) and wanted.version.uri != self.uri
        return None if in_flight else wanted

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

    def _towards_split(
        self, stable: ServedVersion, candidate: ServedVersion, wish: Arrangement, previous_revision: str
    ) -> KnativeStep | None:
        if self._needs_stable_first(stable, candidate, wish.weight, previous_revision):
            return self._towards_only(stable, wish.settings, previous_revision)
        own = self.uri == candidate.uri and self._reaches(candidate, previous_revision)
        before = previous_revision if self.uri == candidate.uri else self.latest_created
        reaches_another = not own and (
            self.latest_ready != self.latest_rolled_out or revision_count(before) > revision_count(self.latest_ready)
        )
        return KnativeStep(candidate, 0 if reaches_another else wish.weight, wish.settings)

    def _towards_only(
        self, stable: ServedVersion, settings: PredictorSettings, previous_revision: str
    ) -> KnativeStep | None:
        if not self.latest_rolled_out:
            return KnativeStep(stable, 100, settings)
        if self.uri == stable.uri:
            keep = self.percent if self.percent is not None else 100
            return KnativeStep(stable, 100 if self._reaches(stable, previous_revision) else keep, settings)
        if (self.percent is not None and 0 < self.percent < 100) or self._goes_back_to(stable):
            # Traffic first: the revision that was rolled out has everything at once, the URI follows.
            bad = ServedVersion(number=0, uri=self.uri, sha256="")
            return KnativeStep(bad, 0, self.settings)
        if self.latest_created == stable.revision:
            # The other URI never became a revision: if it never will, the stable one is the newest again.
            return KnativeStep(stable, 100, settings) if self.transition == "InvalidSpec" else None
        return KnativeStep(stable, 0, settings)

    def _goes_back_to(self, version: ServedVersion) -> bool:
        """Whether taking the last promotion back brings this version into service: until that has happened the
        URI has to stay, since another one would be the newest revision and nothing would be taken back."""
        return (
            self.transition not in ("InvalidSpec", "BlockedByFailedLoad")
            and not self.revision_failed
            and self.latest_created == self.latest_ready == self.latest_rolled_out
            and version.revision == self.previous_rolled_out != ""
        )

    def _needs_stable_first(
        self, stable: ServedVersion, candidate: ServedVersion, weight: int, previous_revision: str
    ) -> bool:
        """Whether what the candidate does not get would go to another version than the stable one: to a candidate
        that was superseded while it had everything, say. For all of the traffic nothing is waited for."""
        if self._is_rolled_out(stable, previous_revision):
            return False
        if weight < 100:
            return True
        return not self._is_rolled_out(candidate, previous_revision) and self._goes_back_to(stable)

    def _is_rolled_out(self, version: ServedVersion, previous_revision: str) -> bool:
        """Whether what the newest revision does not get goes to this version."""
        if self.uri == version.uri:
            return self._belongs(self.latest_rolled_out, version, previous_revision)
        return bool(self.latest_rolled_out) and self.latest_rolled_out == version.revision

    def _is_in_flight(self, previous_revision: str) -> bool:
        """Whether the model URI in spec has no revision yet. Were it changed again, nobody could tell whose the next
        revision is, or whether there will be one. With InvalidSpec KServe will make none."""
        return bool(previous_revision) and self.latest_created == previous_revision and self.transition != "InvalidSpec"

    def _is(self, step: KnativeStep) -> bool:
        return (step.version.uri, step.percent, step.settings) == (self.uri, self.percent, self.settings)

    def _reading_of_newest(self, version: ServedVersion, previous_revision: str) -> Reading:
        """The reading of the version whose URI is in spec; it may have several revisions, one a change of
        settings, and the newest of them need not be the one that answers."""
        own = [entry for entry in self.traffic if self._belongs(entry.revision, version, previous_revision)]
        carrying = max(own, key=lambda entry: entry.percent, default=RevisionTraffic("", 0))
        newest = self.latest_created if self._belongs(self.latest_created, version, previous_revision) else ""
        broken = self.transition == "BlockedByFailedLoad" or self.revision_failed
        failed = self.transition == "InvalidSpec" or (broken and bool(newest))
        ready = bool(newest) and self.latest_ready == newest
        return Reading(
            readiness=Readiness.FAILED if failed else Readiness.READY if ready else Readiness.PROGRESSING,
            percent=sum(entry.percent for entry in own),
            message=self.failure if failed else "",
            revision=carrying.revision if carrying.percent else newest or version.revision,
            answering=any(entry.percent and not (broken and entry.revision == newest) for entry in own),
        )

    def _reaches(self, version: ServedVersion, previous_revision: str) -> bool:
        """Whether a share for the newest revision reaches this version, now and when another gets ready: its
        old revision does not count while one of another model stands between, which could still get ready."""
        if revision_count(self.latest_ready) > revision_count(previous_revision):
            return True
        return self._belongs(self.latest_ready, version, previous_revision) and self.latest_created == self.latest_ready

    def _belongs(self, revision: str, version: ServedVersion, previous_revision: str) -> bool:
        """Whether a revision is one of the version whose URI is in spec."""
        return bool(revision) and (
            revision == version.revision or revision_count(revision) > revision_count(previous_revision)
        )

    def _percent_of(self, revision: str) -> int:
        return sum(entry.percent for entry in self.traffic if revision and entry.revision == revision)


def revision_count(revision: str) -> int:
    """The number at the end of a revision's name, by which Knative counts them; 0 for no revision."""
    digits = revision.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0
