"""Bodies of the create calls, read into records."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from churn_devcluster.pipelines.answers import Refusal, RequestError
from churn_devcluster.pipelines.records import Experiment, Run, RunState, StateChange, now

# The width of the column in Kubeflow Pipelines' database, whose error is an internal one.
_LONGEST_NAME = 255


class NewExperiment(BaseModel):
    """V2beta1Experiment, as a client sends it."""

    model_config = ConfigDict(frozen=True)

    display_name: str = ""
    description: str | None = None
    namespace: str | None = None

    def experiment(self) -> Experiment:
        """The record.

        Raises:
            RequestError: no name, or one that is too long.
        """
        return Experiment(
            id=str(uuid.uuid4()),
            display_name=_checked(self.display_name, "experiment"),
            description=self.description or "",
            namespace=self.namespace or "",
            created_at=now(),
        )


class RuntimeConfig(BaseModel):
    """V2beta1RuntimeConfig."""

    model_config = ConfigDict(frozen=True)

    parameters: dict[str, Any] | None = None
    pipeline_root: str | None = None


class NewRun(BaseModel):
    """V2beta1Run, as a client sends it. `pipeline_spec` is bare, or beside a `platform_spec`."""

    model_config = ConfigDict(frozen=True)

    display_name: str = ""
    description: str | None = None
    experiment_id: str | None = None
    service_account: str | None = None
    pipeline_spec: dict[str, Any] | None = None
    runtime_config: RuntimeConfig = RuntimeConfig()

    def run(self, experiment: Experiment, default_namespace: str) -> Run:
        """The record of a run that waits.

        Raises:
            RequestError: no name, one that is too long, no pipeline, or parameters that do not fit it.
        """
        pipeline_spec, platform_spec = self._specs()
        parameters = self.runtime_config.parameters or {}
        _check_parameters(pipeline_spec, parameters)
        created = now()
        return Run(
            id=str(uuid.uuid4()),
            experiment_id=experiment.id,
            display_name=_checked(self.display_name, "run"),
            description=self.description or "",
            service_account=self.service_account or "",
            namespace=experiment.namespace or default_namespace,
            pipeline_spec=pipeline_spec,
            platform_spec=platform_spec,
            parameters=parameters,
            pipeline_root=self.runtime_config.pipeline_root or "",
            created_at=created,
            history=(StateChange(state=RunState.PENDING, at=created),),
        )

    def _specs(self) -> tuple[dict[str, Any], dict[str, Any]]:
        document = self.pipeline_spec or {}
        pipeline_spec = document.get("pipeline_spec", document)
        if "root" not in pipeline_spec or "deploymentSpec" not in pipeline_spec:
            message = "Invalid input error: The run has no pipeline spec with a root and a deploymentSpec"
            raise RequestError(Refusal.INVALID, message)
        return pipeline_spec, document.get("platform_spec") or {}


def _checked(name: str, kind: str) -> str:
    if not name:
        raise RequestError(Refusal.INVALID, f"Invalid input error: The {kind} name is empty")
    if len(name) > _LONGEST_NAME:
        message = f"InternalServerError: Failed to store the {kind}: Data too long for column 'DisplayName'"
        raise RequestError(Refusal.INTERNAL, message)
    return name


def _check_parameters(pipeline_spec: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    declared = pipeline_spec["root"].get("inputDefinitions", {}).get("parameters", {})
    unknown = sorted(set(given) - set(declared))
    if unknown:
        message = f"Invalid input error: The pipeline has no parameter {', '.join(unknown)}"
        raise RequestError(Refusal.INVALID, message)
    missing = sorted(
        name
        for name, definition in declared.items()
        if name not in given and "defaultValue" not in definition and not definition.get("isOptional")
    )
    if missing:
        message = f"Invalid input error: No value for the parameter {', '.join(missing)}"
        raise RequestError(Refusal.INVALID, message)
