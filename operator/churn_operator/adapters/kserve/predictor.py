"""What all traffic drivers write into, and read from, spec.predictor and status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from churn_operator.adapters.kubernetes_api import FIELD_MANAGER
from churn_operator.api.v1alpha1 import common
from churn_operator.api.v1alpha1.common import GROUP, VERSION
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import PredictorSettings, ServedVersion

KIND = "InferenceService"
API_VERSION = "serving.kserve.io/v1beta1"
MODEL_LABEL = f"{GROUP}/model"
MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
SHA256_VARIABLE = "CHURN_MODEL_SHA256"
VERSION_VARIABLE = "CHURN_MODEL_VERSION"

Object = Mapping[str, Any]
Environment = tuple[tuple[str, str], ...]

_UP_TO_DATE = "UpToDate"


def inference_service(key: ObjectKey, uid: str, name: str, mode: str, predictor: Object) -> dict[str, Any]:
    """The InferenceService `name` of a ChurnModel.

    Metadata depends on nothing that ever changes: KServe makes a new revision for any label or annotation.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
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
        "kind": common.KIND,
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
    model: Object = predictor_of(raw).get("model") or {}
    return model


def uri_of(raw: Object) -> str:
    """The model URI in spec, empty where it is missing."""
    return str(model_of(raw).get("storageUri") or "")


def percent_of(raw: Object) -> int | None:
    """canaryTrafficPercent in spec."""
    percent = predictor_of(raw).get("canaryTrafficPercent")
    return None if percent is None else int(percent)


def mode_of(raw: Object) -> str:
    """The deployment mode that an InferenceService was made for, empty where it does not say."""
    return str((raw["metadata"].get("annotations") or {}).get(MODE_ANNOTATION) or "")


def variables_in(raw: Object) -> Mapping[str, str]:
    """The model server's variables in spec, by name."""
    return {str(entry.get("name")): str(entry.get("value", "")) for entry in model_of(raw).get("env") or ()}


def environment_in(raw: Object) -> Environment:
    """The variables that are about a version as they are in spec, in our order."""
    found = variables_in(raw)
    return tuple((name, found[name]) for name in (SHA256_VARIABLE, VERSION_VARIABLE) if name in found)


def settings_of(raw: Object) -> PredictorSettings:
    """The settings in spec, as they were applied. What we did not write and somebody else did (KServe's
    webhooks, a person) is not ours; what we wrote and somebody else has taken over is not as we want it."""
    return settings_in(predictor_of(raw), _owned(raw))


def settings_in(written: Object, owned: Object | None = None) -> PredictorSettings:
    """The settings in a predictor; `owned` are the managed fields of it that are ours, None where that is not known."""
    model = written.get("model") or {}
    maximum = _if_owned(written, owned, "maxReplicas")
    account = _if_owned(written, owned, "serviceAccountName")
    resources = model.get("resources") or {}
    owned_resources = None if owned is None else _below(owned, "f:model", "f:resources")
    return PredictorSettings(
        runtime=str(model.get("runtime") or ""),
        service_account_name=str(account) if account else None,
        min_replicas=int(written.get("minReplicas", 1)),
        max_replicas=int(maximum) if maximum is not None else None,
        requests=_pairs(resources, owned_resources, "requests"),
        limits=_pairs(resources, owned_resources, "limits"),
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


def predictor_of(raw: Object) -> Object:
    """spec.predictor, empty where it is missing."""
    found: Object = (raw.get("spec") or {}).get("predictor") or {}
    return found


def _model_status(raw: Object) -> Object:
    found: Object = (raw.get("status") or {}).get("modelStatus") or {}
    return found


def _pairs(resources: Object, owned: Object | None, kind: str) -> tuple[tuple[str, str], ...]:
    amounts = resources.get(kind) or {}
    ours = None if owned is None else _below(owned, f"f:{kind}")
    return tuple(sorted((name, str(amount)) for name, amount in amounts.items() if ours is None or f"f:{name}" in ours))


def _if_owned(written: Object, owned: Object | None, field: str) -> Any:
    return written.get(field) if owned is None or f"f:{field}" in owned else None


def _owned(raw: Object) -> Object | None:
    """The fields of spec.predictor that our field manager owns; None where managedFields do not say."""
    for entry in raw["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply":
            return _below(entry.get("fieldsV1") or {}, "f:spec", "f:predictor")
    return None


def _below(fields: Object, *path: str) -> Object:
    return reduce(lambda outer, part: outer.get(part) or {}, path, fields)
