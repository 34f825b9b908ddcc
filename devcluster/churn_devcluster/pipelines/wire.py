"""Experiments and runs as v2beta1 JSON: snake_case, empty fields left out, RFC 3339 times in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from churn_devcluster.pipelines.records import Experiment, Run

# What Kubeflow Pipelines answers for a time that has not come yet.
_NEVER = datetime.fromtimestamp(0, UTC)


def experiment_answer(experiment: Experiment) -> dict[str, Any]:
    """V2beta1Experiment."""
    return _without_empty(
        {
            "experiment_id": experiment.id,
            "display_name": experiment.display_name,
            "description": experiment.description,
            "created_at": _time(experiment.created_at),
            "namespace": experiment.namespace,
            "storage_state": experiment.storage_state.value,
        }
    )


def run_answer(run: Run) -> dict[str, Any]:
    """V2beta1Run. `error` is never set: on the real system, too, it is empty for a failed run."""
    spec = run.pipeline_spec
    if run.platform_spec:
        spec = {"pipeline_spec": run.pipeline_spec, "platform_spec": run.platform_spec}
    return _without_empty(
        {
            "experiment_id": run.experiment_id,
            "run_id": run.id,
            "display_name": run.display_name,
            "storage_state": run.storage_state.value,
            "description": run.description,
            "pipeline_spec": spec,
            "runtime_config": _without_empty({"parameters": run.parameters, "pipeline_root": run.pipeline_root}),
            "service_account": run.service_account,
            "created_at": _time(run.created_at),
            "scheduled_at": _time(run.created_at),
            "finished_at": _time(run.finished_at or _NEVER),
            "state": run.state.value,
            "state_history": [{"update_time": _time(change.at), "state": change.state.value} for change in run.history],
        }
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _without_empty(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if value not in ("", None, [], {})}
