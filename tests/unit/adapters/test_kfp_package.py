"""The compiled pipeline made ready for a run."""

import hashlib
from typing import Any

import pytest
import yaml
from churn_operator.adapters.kfp_package import pipeline_code_version, pipeline_package, prepare
from churn_operator.errors import Rejected
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

pytestmark = pytest.mark.unit


def _prepared(**changes: Any) -> dict[str, Any]:
    wish: dict[str, Any] = {
        "image": "registry.example/trainer:7",
        "requests": (("cpu", "500m"), ("memory", "1Gi")),
        "limits": (("memory", "4Gi"),),
        "secret_name": "churn-artifacts",
    }
    return prepare(pipeline_package(), **{**wish, **changes})


def _containers(prepared: dict[str, Any]) -> dict[str, Any]:
    executors = prepared["pipeline_spec"]["deploymentSpec"]["executors"]
    return {name: executor["container"] for name, executor in executors.items()}


def test_the_code_version_is_that_of_the_package() -> None:
    assert pipeline_code_version() == hashlib.sha256(pipeline_package()).hexdigest()[:12]


def test_every_step_gets_the_image() -> None:
    images = {container["image"] for container in _containers(_prepared()).values()}
    assert images == {"registry.example/trainer:7"}


def test_the_training_step_alone_gets_the_resources() -> None:
    containers = _containers(_prepared())
    assert containers.pop("exec-train")["resources"] == {
        "resourceCpuRequest": "500m",
        "resourceMemoryRequest": "1Gi",
        "resourceMemoryLimit": "4Gi",
    }
    assert containers
    assert all("resources" not in container for container in containers.values())


def test_no_resources_leave_the_package_as_it_is() -> None:
    assert "resources" not in _containers(_prepared(requests=(), limits=()))["exec-train"]


def test_every_step_gets_the_credentials_from_the_secret() -> None:
    prepared = _prepared()
    executors = prepared["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(executors) == set(_containers(prepared))
    for executor in executors.values():
        (source,) = executor["secretAsEnv"]
        assert source["secretName"] == "churn-artifacts"
        assert source["secretNameParameter"] == {"runtimeValue": {"constant": "churn-artifacts"}}
        assert source["keyToEnv"] == [
            {"secretKey": "AWS_ACCESS_KEY_ID", "envVar": "AWS_ACCESS_KEY_ID"},
            {"secretKey": "AWS_SECRET_ACCESS_KEY", "envVar": "AWS_SECRET_ACCESS_KEY"},
        ]


def test_nothing_is_taken_from_kfps_cache() -> None:
    tasks = _prepared()["pipeline_spec"]["root"]["dag"]["tasks"]
    assert tasks
    assert all(task["cachingOptions"] == {"enableCache": False} for task in tasks.values())


def test_tasks_of_inner_pipelines_are_not_cached_either() -> None:
    package = yaml.safe_dump({"components": {"comp-inner": {"dag": {"tasks": {"a": {}}}}}, "root": {}})
    spec = prepare(package.encode(), "i", (), (), "s")["pipeline_spec"]
    assert spec["components"]["comp-inner"]["dag"]["tasks"]["a"]["cachingOptions"] == {"enableCache": False}


def test_the_result_is_a_pipeline_and_a_platform_spec_to_kfp() -> None:
    prepared = _prepared()
    pipeline = json_format.ParseDict(prepared["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    platform = json_format.ParseDict(prepared["platform_spec"], pipeline_spec_pb2.PlatformSpec())
    assert pipeline.pipeline_info.name == "churn-training"
    assert "kubernetes" in platform.platforms


def test_one_preparation_leaves_no_trace_in_the_next() -> None:
    _prepared(image="other", secret_name="other")
    assert _prepared() == _prepared()


def test_a_platform_spec_of_the_package_is_kept() -> None:
    package = (
        pipeline_package()
        + yaml.safe_dump(
            {
                "platforms": {
                    "kubernetes": {"deploymentSpec": {"executors": {"exec-train": {"imagePullPolicy": "Always"}}}}
                }
            },
            explicit_start=True,
        ).encode()
    )
    prepared = prepare(package, "i", (), (), "s")
    executor = prepared["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train"]
    assert executor["imagePullPolicy"] == "Always"
    assert len(executor["secretAsEnv"]) == 1


def test_resources_without_a_training_step_are_refused() -> None:
    package = yaml.safe_dump({"deploymentSpec": {"executors": {"exec-fit": {"container": {"image": "x"}}}}})
    with pytest.raises(Rejected, match="no step named train"):
        prepare(package.encode(), "i", (("cpu", "1"),), (), "s")
