"""What a user's own pipeline has to take, so that a run of it can be told what to do and nothing of spec is ignored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from churn_operator.api.v1alpha1 import ChurnModelSpec
from churn_operator.api.v1alpha1.common import Resources
from churn_operator.api.v1alpha1.dataset import Dataset
from churn_operator.api.v1alpha1.status import PipelineStatus
from churn_operator.api.v1alpha1.training import Training
from churn_operator.core.observation import PipelineInput, PipelinePackage

_TRAINING_STEP = "train"
_TEXT, _WHOLE_NUMBER = ("STRING",), ("NUMBER_INTEGER", "NUMBER_DOUBLE")

GIVEN = {
    "dataset_uri": _TEXT,
    "dataset_digest": _TEXT,
    "dataset_format": _TEXT,
    "s3_endpoint": _TEXT,
    "output_uri": _TEXT,
    "key": _TEXT,
    "target": _TEXT,
    "id_column": _TEXT,
    "positive_label": _TEXT,
    "columns": _TEXT,
    "algorithm": _TEXT,
    "hyperparameters": _TEXT,
    "seed": _WHOLE_NUMBER,
    "champion_uri": _TEXT,
    "champion_sha256": _TEXT,
    "champion_version": _TEXT,
    "champion_confidence": _TEXT,
}
"""Every parameter of a run, by the types that it may be declared with."""

_SHOWN = 5
_NEEDED = ("output_uri", "key")
_ANNOTATIONS = {_TEXT: "str", _WHOLE_NUMBER: "int"}


@dataclass(frozen=True)
class _Setting:
    """A field of spec that would be ignored by a pipeline without these inputs."""

    field: str
    inputs: tuple[str, ...]
    is_set: Callable[[ChurnModelSpec], bool]


def _of_training(field: str, name: str) -> _Setting:
    default = Training.model_fields[name].default
    return _Setting(f"training.{field}", (name,), lambda spec: bool(getattr(spec.training, name) != default))


def _of_dataset(field: str, name: str, parameter: str) -> _Setting:
    default = Dataset.model_fields[name].default
    return _Setting(f"dataset.{field}", (parameter,), lambda spec: bool(getattr(spec.dataset, name) != default))


_SETTINGS = (
    _of_training("algorithm", "algorithm"),
    _of_training("hyperparameters", "hyperparameters"),
    _of_training("seed", "seed"),
    _of_dataset("format", "format", "dataset_format"),
    _of_dataset("target", "target", "target"),
    _of_dataset("idColumn", "id_column", "id_column"),
    _of_dataset("positiveLabel", "positive_label", "positive_label"),
    _of_dataset("columns", "columns", "columns"),
    _Setting(
        "evaluation.champion",
        ("champion_uri", "champion_sha256"),
        lambda spec: spec.evaluation.champion is not None,
    ),
)


def unsuitable(package: PipelinePackage) -> str | None:
    """Why no run of this package can be told what to do, as the rest of a sentence that begins with its URI; None
    where it can."""
    declared = {one.name for one in package.inputs}
    missing = [name for name in _NEEDED if name not in declared]
    if missing:
        them = " and ".join(missing)
        return f"takes no {them}, which tell a run where its report goes and what it is about: declare them as str"
    unknown = [one.name for one in package.inputs if one.required and one.name not in GIVEN]
    if unknown:
        return f"requires {_listed(unknown)}, which no run is given: give each a default, or remove it"
    mistyped = next((one for one in package.inputs if _is_mistyped(one)), None)
    if mistyped is not None:
        wanted = _ANNOTATIONS[GIVEN[mistyped.name]]
        return f"takes {mistyped.name} as {mistyped.type}, which a run is given as {wanted}: declare it as {wanted}"
    return None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _is_mistyped(declared: PipelineInput) -> bool:
    return declared.name in GIVEN and declared.type not in GIVEN[declared.name]


def left_out(spec: ChurnModelSpec, pipeline: PipelineStatus) -> str | None:
    """What spec sets and the pipeline would ignore, as a sentence; None if nothing."""
    for setting in _SETTINGS:
        lacking = [name for name in setting.inputs if name not in pipeline.inputs]
        if lacking and setting.is_set(spec):
            them = " and ".join(lacking)
            return f"spec.{setting.field} is set, but the pipeline takes no {them}: declare it, or remove the field"
    if spec.training.resources != Resources() and _TRAINING_STEP not in pipeline.steps:
        return (
            f"spec.training.resources are for a step named {_TRAINING_STEP}, but the pipeline has "
            f"{_listed(pipeline.steps)}: "
            "rename the step that trains, or remove the field"
        )
    return None
