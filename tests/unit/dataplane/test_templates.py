"""From InferenceService and runtimes to the template of a revision."""

from __future__ import annotations

from typing import Any

import pytest
from churn_devcluster.dataplane import templates
from churn_devcluster.dataplane.model import DeploymentMode


def inference_service(**changes: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "m",
            "annotations": changes.get("annotations", {}),
            "labels": changes.get("labels", {}),
        },
        "spec": {
            "predictor": {
                "canaryTrafficPercent": changes.get("percent", 10),
                "model": {
                    "modelFormat": {"name": "sklearn", **changes.get("format", {})},
                    "storageUri": changes.get("uri", "s3://b/m"),
                    **changes.get("model", {}),
                },
            }
        },
        "status": changes.get("status", {}),
    }


def runtime(name: str, **spec: Any) -> dict[str, Any]:
    formats = [{"name": "sklearn", "version": "1", "autoSelect": True}]
    return {
        "metadata": {"name": name},
        "spec": {"supportedModelFormats": formats, "containers": [{"name": "c", "image": name}], **spec},
    }


def digest(**changes: Any) -> str:
    return templates.template(inference_service(**changes), [], [runtime("churn")]).digest


def test_the_percentage_and_kubectls_bookkeeping_are_no_part_of_it() -> None:
    kubectl = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    assert digest() == digest(percent=50) == digest(annotations=kubectl)


@pytest.mark.parametrize("change", [{"annotations": {"a": "b"}}, {"labels": {"a": "b"}}, {"uri": "s3://b/n"}])
def test_everything_else_is(change: dict[str, Any]) -> None:
    assert digest(**change) != digest()


def test_a_namespaces_runtime_goes_before_the_clusters() -> None:
    chosen = templates.template(inference_service(), [runtime("own")], [runtime("common")])
    assert chosen.runtime == "own"


def test_a_runtime_that_is_not_selected_automatically_can_be_named() -> None:
    manual = runtime("manual", supportedModelFormats=[{"name": "sklearn"}])
    chosen = templates.template(inference_service(model={"runtime": "manual"}), [], [runtime("other"), manual])
    assert chosen.runtime == "manual"


@pytest.mark.parametrize(
    ("change", "runtimes", "reason"),
    [
        ({}, [], "NoSupportingRuntime"),
        ({}, [runtime("off", disabled=True)], "NoSupportingRuntime"),
        ({}, [runtime("manual", supportedModelFormats=[{"name": "sklearn"}])], "NoSupportingRuntime"),
        ({"format": {"version": "2"}}, [runtime("one")], "NoSupportingRuntime"),
        ({"model": {"runtime": "gone"}}, [runtime("one")], "RuntimeNotRecognized"),
        ({"model": {"runtime": "off"}}, [runtime("off", disabled=True)], "RuntimeDisabled"),
        (
            {"model": {"runtime": "xgb"}},
            [runtime("xgb", supportedModelFormats=[{"name": "xgboost"}])],
            "NoSupportingRuntime",
        ),
    ],
)
def test_a_predictor_without_a_fitting_runtime_is_invalid(
    change: dict[str, Any], runtimes: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(templates.InvalidSpecError) as caught:
        templates.template(inference_service(**change), [], runtimes)
    assert caught.value.reason == reason


def test_a_predictor_without_model_is_invalid() -> None:
    without = {"metadata": {"name": "m"}, "spec": {"predictor": {"containers": []}}}
    with pytest.raises(templates.InvalidSpecError, match="no model"):
        templates.template(without, [], [runtime("churn")])


@pytest.mark.parametrize(
    ("status", "annotations", "mode"),
    [
        ({}, {}, DeploymentMode.KNATIVE),
        ({}, {templates.MODE_ANNOTATION: "Standard"}, DeploymentMode.STANDARD),
        ({}, {templates.MODE_ANNOTATION: "RawDeployment"}, DeploymentMode.STANDARD),
        ({"deploymentMode": "Knative"}, {templates.MODE_ANNOTATION: "Standard"}, DeploymentMode.KNATIVE),
    ],
)
def test_the_recorded_mode_goes_before_the_annotation(
    status: dict[str, str], annotations: dict[str, str], mode: DeploymentMode
) -> None:
    assert templates.deployment_mode(inference_service(status=status, annotations=annotations)) is mode
