"""The Knative driver: one InferenceService; canaryTrafficPercent splits its two newest revisions. Pure."""

from __future__ import annotations

import re
from typing import Any

from churn_operator.adapters.kserve.predictor import (
    Environment,
    Object,
    condition_of,
    environment_of,
    failure_of,
    inference_service,
    is_terminating,
    percent_of,
    predictor,
    settings_of,
    transition_of,
    uri_of,
)
from churn_operator.core.knative import KnativeObservation, RevisionTraffic
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import KnativeStep

MODE = "Knative"

_FAILED = "RevisionFailed"
_NAMED_REVISION = re.compile(r'[Rr]evision "([^"]+)"')


def manifest(key: ObjectKey, uid: str, step: KnativeStep, kept: Environment = ()) -> dict[str, Any]:
    """The whole InferenceService of a step, for server-side apply.

    canaryTrafficPercent is always there, because leaving it out promotes, and always a percentage, because
    KServe takes anything. `kept` is the environment in the cluster: a step that names only the URI that is
    already served leaves it as it is (anything else in the pod's template would be a new revision).
    """
    environment = kept if not step.version.sha256 and kept else environment_of(step.version)
    written = predictor(step.version.uri, environment, step.settings)
    written["canaryTrafficPercent"] = min(max(step.percent, 0), 100)
    return inference_service(key, uid, key.name, MODE, written)


def observation(raw: Object) -> KnativeObservation:
    """What an InferenceService says.

    Not read: status.observedGeneration (it is the Knative Service's), the condition Stopped, and the
    emptiness of a deployment (scaled to zero is not failed).
    """
    status = raw.get("status") or {}
    component = (status.get("components") or {}).get("predictor") or {}
    latest_created = str(component.get("latestCreatedRevision") or "")
    url = status.get("url") or (status.get("address") or {}).get("url")
    return KnativeObservation(
        uri=uri_of(raw),
        percent=percent_of(raw),
        settings=settings_of(raw),
        latest_created=latest_created,
        latest_ready=str(component.get("latestReadyRevision") or ""),
        latest_rolled_out=str(component.get("latestRolledoutRevision") or ""),
        previous_rolled_out=str(component.get("previousRolledoutRevision") or ""),
        traffic=_traffic(component),
        transition=transition_of(raw),
        failure=failure_of(raw),
        revision_failed=_revision_failed(raw, latest_created),
        url=str(url) if url else None,
        terminating=is_terminating(raw),
    )


def _traffic(component: Object) -> tuple[RevisionTraffic, ...]:
    return tuple(
        RevisionTraffic(str(entry.get("revisionName") or ""), int(entry.get("percent") or 0))
        for entry in component.get("traffic") or ()
    )


def _revision_failed(raw: Object, latest_created: str) -> bool:
    """Whether the newest revision failed; a condition that names another one is about the past."""
    for condition in (condition_of(raw, "PredictorReady"), condition_of(raw, "Ready")):
        if condition.get("status") != "False" or condition.get("reason") != _FAILED:
            continue
        named = _NAMED_REVISION.search(str(condition.get("message") or ""))
        if named is None or named[1] == latest_created:
            return True
    return False
