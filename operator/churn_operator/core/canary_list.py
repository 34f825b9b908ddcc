"""The view of KServe's own canaries: one InferenceService in Standard mode, whose predictor is the stable version
and whose spec.canary[0] is the candidate (KServe's rules, read from its controller):

- KServe gives a share only to a canary that is ready, so the wished weight is written at once and nobody meets a 503;
- a canary becomes the predictor by its name and model: its pods stay as they are. What is neither predictor nor
  canary after that is deleted at once, so a version becomes the predictor only when it is ready as a canary;
- hence a rollback from a promoted version is a canary too: the good version comes up beside the bad one, takes all
  traffic once it is ready, and then becomes the predictor;
- status says of a canary only whether it is ready, never why not: a bad one ends by its progress deadline;
- status has no generation of its own. It has caught up with spec when it lists the canaries of spec; until then it
  may speak of a predictor that is no more, so that neither shares nor a failure can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from churn_operator.core.traffic import (
    Arrangement,
    CanaryListStep,
    PredictorSettings,
    Readiness,
    Reading,
    ServedVersion,
    ServingStep,
)


@dataclass(frozen=True)
class ListedVersion:
    """A predictor of spec, by the version number in its name (None where it is not one of ours)."""

    number: int | None
    uri: str
    settings: PredictorSettings


@dataclass(frozen=True)
class ListedCanary:
    """spec.canary[0] with its share of traffic in percent."""

    version: ListedVersion
    percent: int


@dataclass(frozen=True)
class CanaryShare:
    """One entry of status.canaryStatuses; `number` is None where it is not a version of ours."""

    number: int | None
    ready: bool
    percent: int


@dataclass(frozen=True)
class CanaryListObservation:
    """An InferenceService with its canaries.

    `readiness` and `message` are the predictor's as status has them, `shares` what status lists. `others` says
    whether spec lists more than one canary, of which none but the first is ours.
    """

    predictor: ListedVersion
    readiness: Readiness
    message: str = ""
    canary: ListedCanary | None = None
    shares: tuple[CanaryShare, ...] = ()
    others: bool = False
    url: str | None = None
    terminating: bool = False

    @property
    def model_uri(self) -> str:
        """Empty: there are no revisions."""
        return ""

    @property
    def newest_revision(self) -> str:
        """Empty: versions are told apart by name."""
        return ""

    @property
    def named_versions(self) -> Mapping[int, str]:
        """See TrafficObservation."""
        listed = (self.predictor,) if self.canary is None else (self.predictor, self.canary.version)
        return {version.number: version.uri for version in listed if version.number is not None}

    @property
    def shifting(self) -> bool:
        """Whether status does not list the canaries of spec yet."""
        canary = self.canary
        wished = () if canary is None else ((canary.version.number, canary.percent),)
        return self.others or wished != tuple((share.number, share.percent) for share in self.shares)

    def reading(self, version: ServedVersion, previous_revision: str) -> Reading:  # noqa: ARG002 - the port's form
        """See TrafficObservation."""
        if _is(self.predictor, version):
            return self._reading_of_predictor()
        if self.canary is not None and _is(self.canary.version, version):
            share = self._share_of_canary()
            ready = share is not None and share.ready
            percent = self._canary_percent()
            return Reading(Readiness.READY if ready else Readiness.PROGRESSING, percent, answering=percent > 0)
        return Reading(Readiness.ABSENT, 0)

    def step_towards(self, wish: Arrangement, previous_revision: str) -> ServingStep | None:  # noqa: ARG002
        """See TrafficObservation."""
        main = wish.stable or wish.candidate
        assert main is not None, "an arrangement needs a version to serve"
        candidate = wish.candidate if wish.stable is not None else None
        settings = listed(wish.settings)
        if _is(self.predictor, main) or self._is_ready_canary(main):
            percent = wish.weight if candidate is not None else 0
            return self._unless_there(CanaryListStep(main, candidate, percent, settings))
        # Whatever is the predictor now stays until the wished one can take its place.
        kept = ServedVersion(number=self.predictor.number or 0, uri=self.predictor.uri, sha256="")
        return self._unless_there(CanaryListStep(kept, main, 100, settings))

    def in_effect(self, wish: Arrangement, previous_revision: str) -> bool:
        """See TrafficObservation."""
        if self.shifting or self.step_towards(wish, previous_revision) is not None:
            return False
        versions = [version for version in (wish.stable, wish.candidate) if version is not None]
        shares = wish.weights
        return all(self.reading(version, previous_revision).percent == shares[version.number] for version in versions)

    def changes_model(self, step: ServingStep) -> bool:  # noqa: ARG002 - the port's form
        """Never: a version's name tells it apart, and no revision has to."""
        return False

    def _reading_of_predictor(self) -> Reading:
        readiness = self.readiness
        if readiness is Readiness.FAILED and self.shifting:
            readiness = Readiness.PROGRESSING
        percent = 100 - self._canary_percent() if self.url is not None else 0
        message = self.message if readiness is not Readiness.READY else ""
        return Reading(readiness, percent, message, answering=percent > 0 and readiness is Readiness.READY)

    def _share_of_canary(self) -> CanaryShare | None:
        """What status says of the canary in spec."""
        if self.canary is None:
            return None
        return next((share for share in self.shares if share.number == self.canary.version.number), None)

    def _canary_percent(self) -> int:
        share = self._share_of_canary()
        return share.percent if share is not None and share.ready else 0

    def _is_ready_canary(self, version: ServedVersion) -> bool:
        share = self._share_of_canary()
        ready = share is not None and share.ready
        return ready and self.canary is not None and _is(self.canary.version, version)

    def _unless_there(self, step: CanaryListStep) -> CanaryListStep | None:
        """None where spec says so already."""
        there = _is(self.predictor, step.stable) and self.predictor.settings == step.settings and not self.others
        if self.canary is None or step.candidate is None:
            same = self.canary is None and step.candidate is None
        else:
            same = _is(self.canary.version, step.candidate) and self.canary.percent == step.percent
            same = same and _covers(self.canary.version.settings, step.settings)
        return None if there and same else step


def listed(settings: PredictorSettings) -> PredictorSettings:
    """The settings in Standard mode, which does not scale to zero: a canary of no replica never becomes ready."""
    return replace(settings, min_replicas=max(settings.min_replicas, 1))


def _covers(there: PredictorSettings, wished: PredictorSettings) -> bool:
    """Whether a canary has all that is wished. It may have more: nobody can tell in a list that is applied as a
    whole what KServe's webhooks added. It has no greatest number of replicas, which KServe refuses."""
    return (
        (there.runtime, there.service_account_name, there.min_replicas)
        == (wished.runtime, wished.service_account_name, wished.min_replicas)
        and set(wished.requests) <= set(there.requests)
        and set(wished.limits) <= set(there.limits)
    )


def _is(there: ListedVersion, version: ServedVersion) -> bool:
    return (there.number or 0, there.uri) == (version.number, version.uri)
