"""The compiled training pipeline, made ready for one run: image, resources, credentials, no cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from importlib import resources
from typing import Any

from churn_operator.adapters.kfp_reading import COMPILE, documents, read_package
from churn_operator.core.observation import Package, PipelinePackage, UnreadablePackage
from churn_operator.errors import Rejected

_PACKAGE = "churn-training.yaml"
_TRAIN_EXECUTOR = "exec-train"
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_RESOURCE_FIELDS = {
    ("requests", "cpu"): "resourceCpuRequest",
    ("requests", "memory"): "resourceMemoryRequest",
    ("limits", "cpu"): "resourceCpuLimit",
    ("limits", "memory"): "resourceMemoryLimit",
}

Quantities = tuple[tuple[str, str], ...]


@cache
def pipeline_package() -> bytes:
    """The package as the trainer compiled it: package data of churn_operator."""
    return resources.files("churn_operator").joinpath("pipelines", _PACKAGE).read_bytes()


def pipeline_code_version() -> str:
    """The version of the training code for the training key: the first 12 hex digits of the package's sha256."""
    return hashlib.sha256(pipeline_package()).hexdigest()[:12]


def package_in(content: bytes) -> Package:
    """What the content of an object is. It is no package where it cannot be made ready for a run: a part that KFP would
    pass over is empty, or of another kind."""
    package = read_package(content)
    if not isinstance(package, PipelinePackage):
        return package
    amounts = (("cpu", "1"),) if "train" in package.steps else ()
    try:
        prepare(content, "image", amounts, (), "secret")
        declared_of({"key": ""}, content)
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        return UnreadablePackage(f"has parts that are empty or of another kind ({error!s:.200}): {COMPILE}")
    return package


def prepare(
    package: bytes, image: str | None, requests: Quantities, limits: Quantities, secret_name: str
) -> dict[str, Any]:
    """The `pipeline_spec` of a run: `{"pipeline_spec": …, "platform_spec": …}`.

    Every step gets `image`, unless that is None, and, from the Secret `secret_name`, the S3 credentials as environment
    variables, unless it has some of its own; the training step gets `requests` and `limits`, (resource, quantity)
    pairs. Nothing is taken from KFP's cache. Raises Rejected where the package has no step that could take resources.
    """
    pipeline, platform = _read(package)
    executors = pipeline.get("deploymentSpec", {}).get("executors", {})
    containers = {name: executor["container"] for name, executor in executors.items() if "container" in executor}
    if image is not None:
        for container in containers.values():
            container["image"] = image
    if requests or limits:
        _set_resources(containers, requests, limits)
    for task in _tasks(pipeline):
        task["cachingOptions"] = {"enableCache": False}
    _add_credentials(platform, containers, secret_name)
    return {"pipeline_spec": pipeline, "platform_spec": platform}


def declared_of(parameters: Mapping[str, str | int], package: bytes) -> dict[str, str | int]:
    """Those of the parameters that the package declares: KFP refuses any other."""
    declared = documents(package)[0]["root"].get("inputDefinitions", {}).get("parameters", {})
    return {name: value for name, value in parameters.items() if name in declared}


def _read(package: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    pipeline, *platforms = deepcopy(documents(package))
    merged: dict[str, Any] = {}
    for platform in platforms:
        merged.update(platform or {})
    return pipeline, merged


def _set_resources(containers: Mapping[str, dict[str, Any]], requests: Quantities, limits: Quantities) -> None:
    if _TRAIN_EXECUTOR not in containers:
        raise Rejected("KFP", "the pipeline has no step named train that training.resources could apply to")
    amounts = containers[_TRAIN_EXECUTOR].setdefault("resources", {})
    for kind, quantities in (("requests", requests), ("limits", limits)):
        for resource, quantity in quantities:
            amounts[_RESOURCE_FIELDS[kind, resource]] = quantity


def _tasks(pipeline: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for component in (pipeline.get("root", {}), *pipeline.get("components", {}).values()):
        yield from component.get("dag", {}).get("tasks", {}).values()


def _add_credentials(platform: dict[str, Any], containers: Mapping[str, Any], secret_name: str) -> None:
    kubernetes = platform.setdefault("platforms", {}).setdefault("kubernetes", {})
    executors = kubernetes.setdefault("deploymentSpec", {}).setdefault("executors", {})
    for name, container in containers.items():
        sources = executors.setdefault(name, {}).setdefault("secretAsEnv", [])
        if not _brings_credentials(container, sources):
            sources.append(_secret_as_env(secret_name))


def _brings_credentials(container: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> bool:
    """A step that says where it has its credentials from keeps them: of two variables of a name, Kubernetes takes
    the last."""
    own = {variable.get("name") for variable in container.get("env", ())}
    own |= {each.get("envVar") for source in sources for each in source.get("keyToEnv", ())}
    return not own.isdisjoint(_CREDENTIALS)


def _secret_as_env(secret_name: str) -> dict[str, Any]:
    return {
        # KFP before 2.5 reads the first, later ones the second.
        "secretName": secret_name,
        "secretNameParameter": {"runtimeValue": {"constant": secret_name}},
        "keyToEnv": [{"secretKey": name, "envVar": name} for name in _CREDENTIALS],
    }
