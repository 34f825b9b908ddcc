"""What both traffic drivers write into, and read from, spec.predictor and status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from churn_operator.adapters.kubernetes_api import FIELD_MANAGER
from churn_operator.api.v1alpha1.common import GROUP, KIND, VERSION
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import PredictorSettings, ServedVersion

API_VERSION = "serving.kserve.io/v1beta1"
MODEL_LABEL = f"{GROUP}/model"
MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
SHA256_VARIABLE = "CHURN_MODEL_SHA256"
VERSION_VARIABLE = "CHURN_MODEL_VERSION"

Object = Mapping[str, Any]
Environment = tuple[tuple[str, str], ...]

_UP_TO_DATE = "UpToDate"
_OURS = ("f:spec", "f:predictor", "f:model", "f:resources")


def inference_service(key: ObjectKey, uid: str, name: str, mode: str, predictor: Object) -> dict[str, Any]:
    """The InferenceService `name` of a ChurnModel.

    Metadata depends on nothing that ever changes: KServe makes a new revision for any label or annotation.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "InferenceService",
        "metadata": {
            "name": name,
            "namespace": key.namespace,
            "labels": {MODEL_LABEL: key.name},
            "annotations": {MODE_ANNOTATION: mode},
            "ownerReferences": [owner_reference(key, uid)],
        },
        "spec": {"predictor": predictor},
    }


def owner_reference(key: ObjectKey, uid: str) -> dict[str, Any]:
    """The reference by which the garbage collector follows a deleted ChurnModel."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "name": key.name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def environment_of(version: ServedVersion) -> Environment:
    """What a model server is told of its version."""
    return ((SHA256_VARIABLE, version.sha256), (VERSION_VARIABLE, str(version.number)))


def predictor(uri: str, environment: Environment, settings: PredictorSettings) -> dict[str, Any]:
    """spec.predictor without the traffic driver's own fields."""
    model: dict[str, Any] = {
        "modelFormat": {"name": "sklearn"},
        "runtime": settings.runtime,
        "storageUri": uri,
        "env": [{"name": name, "value": value} for name, value in environment],
    }
    resources = {kind: dict(pairs) for kind, pairs in _quantities(settings) if pairs}
    if resources:
        model["resources"] = resources
    written: dict[str, Any] = {"minReplicas": settings.min_replicas, "model": model}
    if settings.max_replicas is not None:
        written["maxReplicas"] = settings.max_replicas
    if settings.service_account_name is not None:
        written["serviceAccountName"] = settings.service_account_name
    return written


def _quantities(settings: PredictorSettings) -> Sequence[tuple[str, tuple[tuple[str, str], ...]]]:
    return (("requests", settings.requests), ("limits", settings.limits))


def model_of(raw: Object) -> Object:
    """spec.predictor.model, empty where it is missing."""
    model: Object = _predictor_of(raw).get("model") or {}
    return model


def uri_of(raw: Object) -> str:
    """The model URI in spec, empty where it is missing."""
    return str(model_of(raw).get("storageUri") or "")


def percent_of(raw: Object) -> int | None:
    """canaryTrafficPercent in spec."""
    percent = _predictor_of(raw).get("canaryTrafficPercent")
    return None if percent is None else int(percent)


def environment_in(raw: Object) -> Environment:
    """Our variables as they are in spec, in our order."""
    found = {entry.get("name"): str(entry.get("value", "")) for entry in model_of(raw).get("env") or ()}
    return tuple((name, found[name]) for name in (SHA256_VARIABLE, VERSION_VARIABLE) if name in found)


def settings_of(raw: Object) -> PredictorSettings:
    """The settings in spec, as they were applied: what KServe's webhooks add to the resources is not ours,
    and what somebody else has taken over is not as we want it."""
    written = _predictor_of(raw)
    maximum = written.get("maxReplicas")
    account = written.get("serviceAccountName")
    resources = model_of(raw).get("resources") or {}
    owned = _owned_resources(raw)
    return PredictorSettings(
        runtime=str(model_of(raw).get("runtime") or ""),
        service_account_name=str(account) if account else None,
        min_replicas=int(written.get("minReplicas", 1)),
        max_replicas=int(maximum) if maximum is not None else None,
        requests=_pairs(resources, "requests", owned),
        limits=_pairs(resources, "limits", owned),
    )


def transition_of(raw: Object) -> str:
    """status.modelStatus.transitionStatus, empty where it is missing."""
    return str(_model_status(raw).get("transitionStatus") or "")


def failure_of(raw: Object) -> str:
    """Why the newest model does not serve. lastFailureInfo stays after a recovery: it counts only while
    the transition is not UpToDate; else a predictor's condition that is False speaks."""
    info = _model_status(raw).get("lastFailureInfo") or {}
    if transition_of(raw) not in ("", _UP_TO_DATE) and info:
        return _sentence(info.get("reason"), info.get("message"))
    for condition in (condition_of(raw, "PredictorReady"), condition_of(raw, "Ready")):
        if condition.get("status") == "False":
            return _sentence(condition.get("reason"), condition.get("message"))
    return ""


def condition_of(raw: Object, kind: str) -> Object:
    """The condition of this type, empty where it is missing."""
    conditions: Iterable[Object] = (raw.get("status") or {}).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == kind), {})


def is_terminating(raw: Object) -> bool:
    """Whether a deletion is under way."""
    return bool(raw["metadata"].get("deletionTimestamp"))


def model_name_of(raw: Object) -> str | None:
    """The ChurnModel that an InferenceService belongs to; None where it is not ours."""
    name = (raw["metadata"].get("labels") or {}).get(MODEL_LABEL)
    return str(name) if name else None


def _sentence(reason: object, message: object) -> str:
    return ": ".join(str(part) for part in (reason, message) if part)


def _predictor_of(raw: Object) -> Object:
    found: Object = (raw.get("spec") or {}).get("predictor") or {}
    return found


def _model_status(raw: Object) -> Object:
    found: Object = (raw.get("status") or {}).get("modelStatus") or {}
    return found


def _pairs(resources: Object, kind: str, owned: frozenset[tuple[str, str]] | None) -> tuple[tuple[str, str], ...]:
    amounts = resources.get(kind) or {}
    return tuple(
        sorted((name, str(amount)) for name, amount in amounts.items() if owned is None or (kind, name) in owned)
    )


def _owned_resources(raw: Object) -> frozenset[tuple[str, str]] | None:
    """(kind, resource) pairs that our field manager owns; None where managedFields do not say."""
    ours = [
        entry.get("fieldsV1") or {}
        for entry in raw["metadata"].get("managedFields") or ()
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
    ]
    if not ours:
        return None
    owned: set[tuple[str, str]] = set()
    for entry in ours:
        fields = reduce(lambda outer, part: outer.get(part) or {}, _OURS, entry)
        for kind in ("requests", "limits"):
            owned |= {(kind, name.removeprefix("f:")) for name in fields.get(f"f:{kind}") or {} if name != "."}
    return frozenset(owned)
