"""Executes one compiled pipeline with kfp.local and ends: `python -m churn_devcluster.pipelines.execute`.

A process of its own, because kfp.local keeps its configuration in the process and cannot be interrupted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import yaml
from kfp import components, local

from churn_devcluster.pipelines.execution import Execution


def prepared(pipeline_spec: Mapping[str, Any], environments: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The pipeline spec with the environment in its executors and without their images."""
    spec: dict[str, Any] = json.loads(json.dumps(pipeline_spec))
    for name, executor in spec["deploymentSpec"]["executors"].items():
        container = executor.get("container")
        if container is None:
            continue
        # kfp.local warns of an image that it cannot run; here none is run at all.
        container["image"] = "python"
        variables = environments.get(name, {})
        container.setdefault("env", []).extend({"name": key, "value": variables[key]} for key in variables)
    return spec


def main() -> None:
    """Reads an Execution from standard input; a failed pipeline is exit code 1."""
    execution = Execution.model_validate_json(sys.stdin.read())
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(execution.work_dir / "artifacts"),
        workspace_root=str(execution.work_dir / "workspace"),
        raise_on_error=True,
    )
    spec = prepared(execution.pipeline_spec, execution.executor_environments)
    pipeline = components.load_component_from_text(yaml.safe_dump(spec))
    try:
        pipeline(**execution.parameters)
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
