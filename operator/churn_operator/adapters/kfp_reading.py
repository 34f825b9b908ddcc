"""Reading a compiled KFP package, also one that somebody else made: what it takes and which steps it has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml
from google.protobuf import json_format  # type: ignore[import-untyped]
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

from churn_operator.core.observation import Package, PipelineInput, PipelinePackage, UnreadablePackage

LARGEST_PACKAGE = 4 * 1024 * 1024
"""Bytes; a request to KFP may not be larger."""

MOST_INPUTS, MOST_STEPS = 200, 500
"""Their names stand in status."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
COMPILE = "compile the pipeline with kfp 2 and upload the YAML file that it writes"
_WRONG = (json_format.ParseError, TypeError, ValueError, AttributeError)
"""What protobuf raises for YAML that is none of its messages."""


class _NoPackageError(Exception):
    """The content is none; the message goes on from its URI."""


@lru_cache(maxsize=64)
def documents(content: bytes) -> tuple[Any, ...]:
    """The YAML documents of a package, not to be changed: parsing takes longer than everything else of a submission.
    Raises yaml.YAMLError."""
    return tuple(document for document in yaml.load_all(content, Loader=_LOADER) if document is not None)


def read_package(content: bytes) -> Package:
    """What the content of an object is."""
    try:
        pipeline, executors = _checked(content)
    except _NoPackageError as error:
        return UnreadablePackage(str(error))
    declared = pipeline.root.input_definitions
    if len(declared.parameters) + len(declared.artifacts) > MOST_INPUTS or len(executors) > MOST_STEPS:
        return UnreadablePackage(f"has more than {MOST_INPUTS} inputs or {MOST_STEPS} steps: divide it")
    parameters = tuple(
        PipelineInput(name, _type_of(each), not (each.is_optional or each.HasField("default_value")))
        for name, each in sorted(declared.parameters.items())
    )
    artifacts = tuple(
        PipelineInput(name, "ARTIFACT", not each.is_optional) for name, each in sorted(declared.artifacts.items())
    )
    steps = tuple(sorted(name.removeprefix("exec-") for name, each in executors.items() if "container" in each))
    return PipelinePackage(hashlib.sha256(content).hexdigest(), parameters + artifacts, steps)


def _type_of(parameter: Any) -> str:
    return str(kfp.ParameterType.ParameterTypeEnum.Name(parameter.parameter_type))


def _checked(content: bytes) -> tuple[Any, Mapping[str, Any]]:
    """The pipeline as KFP's own message, and its executors. Raises _NoPackageError."""
    first, *others = _documents(content)
    _check_kind(first)
    pipeline = _message(first, kfp.PipelineSpec(), "pipeline")
    for other in others:
        _message(other, kfp.PlatformSpec(), "platform specification")
    executors = first["deploymentSpec"].get("executors", {})
    if not isinstance(executors, dict) or not all(isinstance(each, dict) for each in executors.values()):
        raise _NoPackageError(f"has a deploymentSpec that KFP cannot read: {COMPILE}")
    if not pipeline.root.dag.tasks or not any("container" in each for each in executors.values()):
        raise _NoPackageError(f"has no step: {COMPILE}")
    return pipeline, executors


def _documents(content: bytes) -> tuple[Any, ...]:
    try:
        # A few aliases make gigabytes of a few lines once they are written out; no compiler writes any.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, Loader=_LOADER)):
            raise _NoPackageError(f"has YAML aliases, which no compiled package has: {COMPILE}")
        found = documents(content)
    except yaml.YAMLError as error:
        raise _NoPackageError(f"is not YAML{_line(error)}: {COMPILE}") from error
    except RecursionError as error:
        raise _NoPackageError(f"is nested too deeply: {COMPILE}") from error
    if not found or not all(isinstance(document, dict) for document in found):
        raise _NoPackageError(f"is no KFP package: {COMPILE}")
    return found


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark is not None else ""


def _check_kind(document: Mapping[str, Any]) -> None:
    made, kind = str(document.get("apiVersion", "")), f"{document.get('kind')!s:.40}"
    if made.startswith("argoproj.io/"):
        raise _NoPackageError(f"is an Argo {kind}, as kfp 1 compiled it: {COMPILE}")
    if made:
        raise _NoPackageError(f"is a Kubernetes manifest of kind {kind}, and no KFP package: {COMPILE}")
    lacking = [name for name in ("pipelineInfo", "root", "deploymentSpec") if not isinstance(document.get(name), dict)]
    if lacking:
        raise _NoPackageError(f"is no KFP package, since it lacks {' and '.join(lacking)}: {COMPILE}")


def _message(document: Any, message: Any, name: str) -> Any:
    try:
        # A newer compiler may write what this version of KFP's messages does not know yet.
        return json_format.ParseDict(document, message, ignore_unknown_fields=True)
    except _WRONG as error:
        raise _NoPackageError(f"has a {name} that KFP cannot read ({error!s:.200}): {COMPILE}") from error
