"""From an InferenceService and the serving runtimes to the template of a revision. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from churn_devcluster.dataplane.model import DeploymentMode, Template

MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
# kubectl's own bookkeeping is on KServe's list of annotations that do not reach the revision.
_DISALLOWED_ANNOTATIONS = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})

Object = Mapping[str, Any]


class InvalidSpecError(Exception):
    """The predictor cannot be served; `reason` is that of `modelStatus.lastFailureInfo`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def deployment_mode(inference_service: Object) -> DeploymentMode:
    """Status first, then annotation, then Knative. RawDeployment and Serverless are older names."""
    recorded = inference_service.get("status", {}).get("deploymentMode")
    annotated = inference_service["metadata"].get("annotations", {}).get(MODE_ANNOTATION)
    match recorded or annotated:
        case "Standard" | "RawDeployment":
            return DeploymentMode.STANDARD
        case _:
            return DeploymentMode.KNATIVE


def canary_percent(inference_service: Object) -> int | None:
    """`spec.predictor.canaryTrafficPercent`, None when omitted."""
    percent = inference_service["spec"]["predictor"].get("canaryTrafficPercent")
    return None if percent is None else int(percent)


def template(
    inference_service: Object,
    runtimes: Sequence[Object],
    cluster_runtimes: Sequence[Object],
) -> Template:
    """The template of the revision this InferenceService asks for.

    `runtimes` are the ServingRuntimes of its namespace; they go before those of the cluster.

    Raises:
        InvalidSpecError: no `model`, or no serving runtime fits.
    """
    metadata = inference_service["metadata"]
    predictor = {
        key: value for key, value in inference_service["spec"]["predictor"].items() if key != "canaryTrafficPercent"
    }
    if not isinstance(predictor.get("model"), dict):
        raise InvalidSpecError("InvalidPredictorSpec", "The predictor has no model.")
    runtime = _runtime(predictor["model"], [*runtimes, *cluster_runtimes])
    return Template(
        labels=dict(metadata.get("labels") or {}),
        annotations={
            key: value
            for key, value in (metadata.get("annotations") or {}).items()
            if key not in _DISALLOWED_ANNOTATIONS
        },
        predictor=predictor,
        runtime=runtime["metadata"]["name"],
        runtime_container=next(iter(runtime["spec"].get("containers") or [{}])),
    )


def _runtime(model: Object, candidates: Sequence[Object]) -> Object:
    named = model.get("runtime")
    if named:
        return _named_runtime(str(named), model, candidates)
    for runtime in candidates:
        if not runtime["spec"].get("disabled") and _supports(runtime, model, automatic=True):
            return runtime
    raise InvalidSpecError(
        "NoSupportingRuntime",
        f"No runtime found to support predictor with model type: {_format(model)}",
    )


def _named_runtime(name: str, model: Object, candidates: Sequence[Object]) -> Object:
    found = next((each for each in candidates if each["metadata"]["name"] == name), None)
    if found is None:
        raise InvalidSpecError("RuntimeNotRecognized", "Waiting for runtime to become available")
    if found["spec"].get("disabled"):
        raise InvalidSpecError("RuntimeDisabled", "Specified runtime is disabled")
    if not _supports(found, model, automatic=False):
        raise InvalidSpecError(
            "NoSupportingRuntime", f"Specified runtime {name} does not support model type {_format(model)}"
        )
    return found


def _supports(runtime: Object, model: Object, automatic: bool) -> bool:
    wanted = model.get("modelFormat") or {}
    return any(
        supported.get("name") == wanted.get("name")
        and ("version" not in wanted or supported.get("version") == wanted["version"])
        and (not automatic or supported.get("autoSelect", False))
        for supported in runtime["spec"].get("supportedModelFormats") or []
    )


def _format(model: Object) -> str:
    return str((model.get("modelFormat") or {}).get("name", ""))
