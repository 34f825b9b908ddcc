"""The canary driver: one InferenceService in Standard mode whose spec.canary[0] is the candidate. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from churn_operator.adapters.kserve.predictor import (
    Environment,
    Object,
    condition_of,
    environment_in,
    environment_of,
    failure_of,
    inference_service,
    is_terminating,
    predictor,
    predictor_of,
    settings_in,
    settings_of,
    transition_of,
    uri_of,
)
from churn_operator.core.canary_list import CanaryListObservation, CanaryShare, ListedCanary, ListedVersion
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import CanaryListStep, PredictorSettings, Readiness, ServedVersion

MODE = "Standard"

_FAILED_TRANSITIONS = ("BlockedByFailedLoad", "InvalidSpec")


@dataclass(frozen=True)
class Kept:
    """Name and environment of the predictor in the cluster, for a step that leaves it as it is."""

    name: str = ""
    environment: Environment = ()


def variant_name(number: int) -> str:
    """predictor.name of a version."""
    return f"v{number}"


def number_of(name: object) -> int | None:
    """The version in a predictor's name; None where it is not a version's."""
    found = re.fullmatch("v([1-9][0-9]*)", str(name or ""))
    return int(found[1]) if found else None


def manifest(key: ObjectKey, uid: str, step: CanaryListStep, kept: Kept) -> dict[str, Any]:
    """The whole InferenceService of a step, for server-side apply.

    A canary has the replicas of the predictor from the start: it takes its place without a restart, and at 0 percent
    KServe would give it none. Leaving spec.canary out removes it, for it is ours.
    """
    written = inference_service(key, uid, key.name, MODE, _variant(step.stable, step.settings, kept))
    if step.candidate is not None:
        canary = _variant(step.candidate, replace(step.settings, max_replicas=None), Kept())
        percent = min(max(step.percent, 0), 100)
        written["spec"]["canary"] = [{"predictor": canary, "trafficPercent": percent}]
    return written


def _variant(version: ServedVersion, settings: PredictorSettings, kept: Kept) -> dict[str, Any]:
    if version.sha256:
        name, environment = variant_name(version.number), environment_of(version)
    else:
        name, environment = kept.name, kept.environment
    return ({"name": name} if name else {}) | predictor(version.uri, environment, settings)


def kept_of(raw: Object) -> Kept:
    """What a step may leave as it is."""
    return Kept(str(predictor_of(raw).get("name") or ""), environment_in(raw))


def observation(raw: Object) -> CanaryListObservation:
    """What an InferenceService says. status.observedGeneration is the Deployment's: not read."""
    status = raw.get("status") or {}
    canaries = raw["spec"].get("canary") or ()
    readiness = _readiness(raw)
    url = status.get("url") or (status.get("address") or {}).get("url")
    return CanaryListObservation(
        predictor=ListedVersion(number_of(predictor_of(raw).get("name")), uri_of(raw), settings_of(raw)),
        readiness=readiness,
        message="" if readiness is Readiness.READY else failure_of(raw),
        canary=_canary(canaries[0]) if canaries else None,
        shares=tuple(_share(each) for each in status.get("canaryStatuses") or ()),
        others=len(canaries) > 1,
        url=str(url) if url else None,
        terminating=is_terminating(raw),
    )


def _readiness(raw: Object) -> Readiness:
    """The predictor's. Ready stays True when an update fails, so the transition is asked first."""
    if transition_of(raw) in _FAILED_TRANSITIONS:
        return Readiness.FAILED
    return Readiness.READY if condition_of(raw, "Ready").get("status") == "True" else Readiness.PROGRESSING


def _canary(entry: Object) -> ListedCanary:
    written = entry.get("predictor") or {}
    uri = str((written.get("model") or {}).get("storageUri") or "")
    version = ListedVersion(number_of(written.get("name")), uri, settings_in(written))
    return ListedCanary(version, int(entry.get("trafficPercent") or 0))


def _share(entry: Object) -> CanaryShare:
    ready, percent = bool(entry.get("ready")), int(entry.get("trafficPercent") or 0)
    return CanaryShare(number_of(entry.get("name")), ready, percent)
