"""What the process that executes one run is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class Execution(BaseModel):
    """One run: standard input of churn_devcluster.pipelines.execute, as JSON."""

    model_config = ConfigDict(frozen=True)

    work_dir: Path
    pipeline_spec: dict[str, Any]
    parameters: dict[str, Any]
    executor_environments: dict[str, dict[str, str]]
