"""From an InferenceService and the serving runtimes to the template of a revision. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from churn_devcluster.dataplane.deployments import Variant
from churn_devcluster.dataplane.model import DeploymentMode, Template

MODE_ANNOTATION = "serving.kserve.io/deploymentMode"
# kubectl's own bookkeeping is on KServe's list of annotations that do not reach the revision.
_DISALLOWED_ANNOTATIONS = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})

# Of a predictor, but of no pod: to change one of them rolls nothing out in Standard mode.
_NOT_IN_PODS = frozenset({"name", "minReplicas", "maxReplicas", "scaleTarget", "scaleMetric", "autoScaling"})

Object = Mapping[str, Any]


class InvalidSpecError(Exception):
    """The predictor cannot be served; `reason` is that of `modelStatus.lastFailureInfo`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class InvalidCanaryError(Exception):
    """A canary cannot be served. KServe's controller logs it, and does nothing for the InferenceService."""


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
    return _template(inference_service, inference_service["spec"]["predictor"], [*runtimes, *cluster_runtimes])


def variants(
    inference_service: Object,
    runtimes: Sequence[Object],
    cluster_runtimes: Sequence[Object],
    canary_list: bool = True,
) -> tuple[Variant, list[Variant]]:
    """What the predictor's Deployment shall be in Standard mode, and those of `spec.canary[]`.

    A canary is its own predictor's fields laid over the stable one's. Its replicas are its minReplicas,
    else its share of the stable one's, rounded up. A KServe without `canary_list` knows neither the list
    nor names of predictors.

    Raises:
        InvalidSpecError: no `model`, or no serving runtime fits.
    """
    every = [*runtimes, *cluster_runtimes]
    stable = inference_service["spec"]["predictor"]
    predictor = Variant(
        name=str(stable.get("name") or "") if canary_list else "",
        template=_pod_template(inference_service, stable, every),
    )
    canaries = inference_service["spec"].get("canary") or () if canary_list else ()
    return predictor, [_canary(inference_service, canary, every) for canary in canaries]


def _canary(inference_service: Object, canary: Object, runtimes: Sequence[Object]) -> Variant:
    stable = inference_service["spec"]["predictor"]
    percent = int(canary.get("trafficPercent", 0))
    replicas = canary["predictor"].get("minReplicas")
    if replicas is None:
        stable_replicas = stable.get("minReplicas")
        replicas = math.ceil((1 if stable_replicas is None else int(stable_replicas)) * percent / 100)
    try:
        template = _pod_template(inference_service, _merged(stable, canary["predictor"]), runtimes)
    except InvalidSpecError as error:
        raise InvalidCanaryError(
            f"fails to build resources for canary {canary['predictor']['name']}: {error}"
        ) from error
    return Variant(name=str(canary["predictor"]["name"]), template=template, percent=percent, replicas=int(replicas))


def _merged(stable: Object, canary: Object) -> dict[str, Any]:
    """`mergo.Merge` with override: what is empty in the canary stays, lists are replaced as a whole."""
    merged = dict(stable)
    for key, value in canary.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = _merged(below, value)
        elif value:
            merged[key] = value
    return merged


def _pod_template(inference_service: Object, predictor: Object, runtimes: Sequence[Object]) -> Template:
    in_pods = {key: value for key, value in predictor.items() if key not in _NOT_IN_PODS}
    return _template(inference_service, in_pods, runtimes)


def _template(inference_service: Object, given: Object, runtimes: Sequence[Object]) -> Template:
    metadata = inference_service["metadata"]
    predictor = {key: value for key, value in given.items() if key != "canaryTrafficPercent"}
    if not isinstance(predictor.get("model"), dict):
        raise InvalidSpecError("InvalidPredictorSpec", "The predictor has no model.")
    runtime = _runtime(predictor["model"], runtimes)
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
