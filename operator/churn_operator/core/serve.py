"""Bringing an arrangement of versions into effect, one traffic-driver step at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus
from churn_operator.api.v1alpha1.serving import TrafficDriver
from churn_operator.api.v1alpha1.status import ModelChange, ServingStatus, Version
from churn_operator.core.actions import ApplyServing, DeleteServing
from churn_operator.core.canary_list import listed
from churn_operator.core.draft import AT_ONCE, BareDraft, Draft
from churn_operator.core.knative import revision_count
from churn_operator.core.live_questions import compares_answers
from churn_operator.core.observation import Fault, Installation, Unknown
from churn_operator.core.traffic import (
    Arrangement,
    CanaryListStep,
    KnativeStep,
    PredictorSettings,
    Readiness,
    Reading,
    ServedVersion,
    ServingStep,
    TrafficObservation,
    VersionServiceStep,
)
from churn_operator.core.training import quantities

D = TypeVar("D", bound=BareDraft)

WAITING = timedelta(seconds=5)
"""How soon to look again at a data plane that is on its way; its own events come sooner."""
REFUSED = timedelta(minutes=1)
"""How soon to try again what the API server refused: an admission policy may have changed."""
REMEMBERED_CHANGES = 4


@dataclass(frozen=True)
class Service:
    """What came of a wish: `effective` once live traffic follows it, None where that could not be seen or the
    step towards it was `refused`."""

    draft: Draft
    effective: bool | None = None
    candidate: Reading | None = None
    stable: Reading | None = None
    refused: bool = False


def driver_of(draft: Draft) -> str:
    """The traffic driver: the one in use, else the wished one, else the installation's."""
    return driver_in_use(draft.status, draft.spec, draft.observation.installation)


def driver_in_use(status: ChurnModelStatus, spec: ChurnModelSpec, installation: Installation) -> str:
    """The traffic driver: the one in use, else the wished one, else the installation's."""
    wished = spec.serving.traffic_driver
    default = installation.traffic_driver
    return status.serving.driver or (default if wished is TrafficDriver.AUTO else wished.value)


def names_versions(driver: str) -> bool:
    """Whether what serves has version numbers in its names: one may be taken that status, which came from a backup or
    is gone, knows nothing of."""
    return driver != "knative"


def settings_of(draft: Draft) -> PredictorSettings:
    """The predictor as spec wishes it."""
    serving = draft.spec.serving
    return PredictorSettings(
        runtime=serving.runtime or draft.observation.installation.runtime,
        service_account_name=serving.service_account_name,
        min_replicas=serving.min_replicas,
        max_replicas=serving.max_replicas,
        requests=quantities(serving.resources.requests),
        limits=quantities(serving.resources.limits),
    )


def served(version: Version) -> ServedVersion:
    """A version as the data plane knows it."""
    return ServedVersion(version.number, version.model_uri, version.sha256, version.revision)


def arrangement(
    draft: Draft, stable: Version | None, candidate: Version | None, weight: int = 0, mirror: int = 0
) -> Arrangement:
    """The wish for these versions; `weight` and `mirror` are the candidate's, in percent."""
    mirror = mirror if candidate else 0
    return Arrangement(
        stable=served(stable) if stable else None,
        candidate=served(candidate) if candidate else None,
        weight=weight if candidate else 0,
        settings=settings_of(draft),
        mirror=mirror,
        compared=mirror > 0 and compares_answers(draft.spec.rollout.analysis),
    )


def serve(draft: Draft, wish: Arrangement) -> Service:
    """Take the next step towards the wish, if one can be taken safely, and say how far it has come."""
    serving = draft.observation.serving
    if isinstance(serving, Unknown):
        return Service(draft.unseen(ConditionType.SERVED, serving))
    draft = look(draft)
    fault = draft.fault_of(ApplyServing.__name__)
    if fault is not None:
        return Service(_held_up(draft, fault), refused=True)
    if serving.value is None:
        return Service(_create(draft, wish), effective=False)
    if serving.value.terminating:
        return Service(draft.look_again(WAITING), effective=False)
    return _approach(draft, wish, serving.value)


def pending(draft: Draft, wish: Arrangement) -> bool:
    """Whether a step towards the wish is still to be applied."""
    serving = draft.observation.serving
    if isinstance(serving, Unknown):
        return False
    if serving.value is None or serving.value.terminating:
        return True
    return serving.value.step_towards(wish, _previous_revision(draft, serving.value)) is not None


def has_failed(draft: Draft, version: Version) -> bool:
    """Whether a version was seen to have failed, so that nobody is served by it."""
    serving = draft.observation.serving
    if isinstance(serving, Unknown) or serving.value is None:
        return False
    reading = serving.value.reading(served(version), _previous_revision(draft, serving.value))
    return reading.readiness is Readiness.FAILED and not reading.answering


def look(draft: D) -> D:
    """Say which versions answer, and do nothing."""
    serving = draft.observation.serving
    if isinstance(serving, Unknown):
        return draft.unseen(ConditionType.SERVED, serving)
    if serving.value is None:
        message = "there is no InferenceService"
        draft = draft.with_status(traffic=None)
        return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "NotFound", message)
    if serving.value.terminating:
        message = "the InferenceService is being deleted"
        return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "Terminating", message)
    return _report(draft, serving.value)


def withdraw(draft: Draft) -> Draft:
    """Remove an InferenceService that serves no version of ours any more."""
    serving = draft.observation.serving
    if isinstance(serving, Unknown):
        return draft.unseen(ConditionType.SERVED, serving)
    draft = draft.with_status(traffic=None)
    if serving.value is None:
        message = "no version is in service"
        return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "NoVersion", message)
    message = "the failed first version is being withdrawn"
    draft = draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "Withdrawing", message)
    draft = draft.busy("Withdrawing", message).look_again(WAITING)
    if serving.value.terminating:
        return draft
    return draft.act(DeleteServing(draft.observation.subject.key, driver_of(draft)))


def _held_up(draft: Draft, fault: Fault) -> Draft:
    if fault.rejected:
        return draft.hindered("ServingRejected", fault.message).look_again(REFUSED)
    return draft.delayed("ServingUnavailable", fault.message)


def _create(draft: Draft, wish: Arrangement) -> Draft:
    """Make the InferenceService anew: the stable version alone where there is one, because a first revision
    cannot be split. Revisions count from one again, so what is remembered of them goes first."""
    draft = draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "Creating", "the InferenceService is being made")
    draft = draft.look_again(WAITING)
    alone = wish.stable or wish.candidate
    assert alone is not None, "an arrangement needs a version to serve"
    step = _first_step(driver_of(draft), alone, wish.settings)
    changes = (ModelChange(uri=alone.uri, previous_revision=""),) if isinstance(step, KnativeStep) else ()
    serving = ServingStatus(driver=driver_of(draft), changes=changes)
    versions = tuple(version.model_copy(update={"revision": ""}) for version in draft.status.versions)
    if (serving, versions) != (draft.status.serving, draft.status.versions):
        return draft.with_status(serving=serving, versions=versions).look_again(AT_ONCE)
    return _apply(draft, step)


def _first_step(driver: str, version: ServedVersion, settings: PredictorSettings) -> ServingStep:
    """What brings a version into service where there is nothing yet."""
    match driver:
        case "gateway":
            return VersionServiceStep(version, settings)
        case "knative":
            return KnativeStep(version, 100, settings)
        case "canary":
            return CanaryListStep(version, None, 0, listed(settings))
        case _:
            raise ValueError(f"there is no traffic driver {driver!r}")


def _approach(draft: Draft, wish: Arrangement, seen: TrafficObservation) -> Service:
    draft = _remember(draft, wish, seen)
    previous = _previous_revision(draft, seen)
    stable = seen.reading(wish.stable, previous) if wish.stable else None
    candidate = seen.reading(wish.candidate, previous) if wish.candidate else None
    step = seen.step_towards(wish, previous)
    effective = step is None and seen.in_effect(wish, previous)
    if step is not None:
        draft = _step(draft, seen, step)
    if not effective:
        draft = draft.look_again(WAITING)
    return Service(draft, effective, candidate, stable)


def _step(draft: Draft, seen: TrafficObservation, step: ServingStep) -> Draft:
    """Apply a step. Before the model URI changes, the newest revision stands in status: only a later one
    can be the new model's."""
    serving = draft.status.serving
    if isinstance(step, KnativeStep) and seen.changes_model(step):
        changes = _changed(serving.changes, seen, step.version.uri)
        if changes != serving.changes:
            draft = draft.with_status(serving=serving.model_copy(update={"changes": changes}))
            return draft.look_again(AT_ONCE)
    return _apply(draft, step)


def _changed(changes: tuple[ModelChange, ...], seen: TrafficObservation, uri: str) -> tuple[ModelChange, ...]:
    """What there is to remember when the model URI is about to become this one. What was decided on and not made,
    because the wish changed before, is forgotten."""
    made = list(changes)
    while made and made[-1].uri != seen.model_uri:
        made.pop()
    previous = seen.newest_revision
    if len(made) > 1 and made[-1].previous_revision == previous and made[-2].uri == uri:
        # The model in spec never got a revision: the newest one still is that of the model before, which comes back.
        previous = made[-2].previous_revision
    return (*made, ModelChange(uri=uri, previous_revision=previous))[-REMEMBERED_CHANGES:]


def _previous_revision(draft: BareDraft, seen: TrafficObservation) -> str:
    """The newest revision before the model URI in spec was put there. Where nothing is remembered of that, because
    status came from a backup, it is the newest that is known to be another version's."""
    status = draft.status
    if not seen.model_uri or any(change.uri == seen.model_uri for change in status.serving.changes):
        return status.serving.previous_revision(seen.model_uri)
    others = (version.revision for version in status.versions if version.model_uri != seen.model_uri)
    earlier = (revision for revision in others if revision_count(revision) < revision_count(seen.newest_revision))
    return max(earlier, key=revision_count, default="")


def _apply(draft: Draft, step: ServingStep) -> Draft:
    subject = draft.observation.subject
    action = ApplyServing(subject.key, subject.uid, driver_of(draft), step)
    return draft.act(action).look_again(WAITING)


def _remember(draft: Draft, wish: Arrangement, seen: TrafficObservation) -> Draft:
    """Remember the driver, and by which revision each version answers."""
    serving = draft.status.serving
    if not serving.driver:
        draft = draft.with_status(serving=serving.model_copy(update={"driver": driver_of(draft)}))
    for wanted in (wish.stable, wish.candidate):
        version = draft.status.version(wanted.number) if wanted else None
        if wanted is None or version is None:
            continue
        revision = seen.reading(wanted, _previous_revision(draft, seen)).revision
        if revision and revision != version.revision:
            draft = draft.with_version(version.model_copy(update={"revision": revision}))
    return draft


def _report(draft: D, seen: TrafficObservation) -> D:
    """Say what answers, whichever version it is: during a rollback that is not the one wished for."""
    before = draft.status.condition(ConditionType.SERVED)
    if seen.shifting and before is not None and before.status is ConditionStatus.TRUE:
        return draft
    previous = _previous_revision(draft, seen)
    readings = {version.number: seen.reading(served(version), previous) for version in draft.status.versions}
    told = ", ".join(f"v{number} {one.percent}%" for number, one in sorted(readings.items()) if one.percent)
    if draft.status.traffic != (told or None) or (seen.url or draft.status.url) != draft.status.url:
        draft = draft.with_status(traffic=told or None, url=seen.url or draft.status.url)
    if any(reading.answering for reading in readings.values()):
        return draft.find(ConditionType.SERVED, ConditionStatus.TRUE, "Answering", f"traffic: {told}")
    failed = next((one for one in readings.values() if one.readiness is Readiness.FAILED), None)
    if failed is not None:
        message = failed.message or "its predictor failed"
        return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "PredictorFailed", message)
    return draft.find(ConditionType.SERVED, ConditionStatus.FALSE, "Starting", "the predictor is starting")
