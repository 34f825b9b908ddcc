"""The calls about runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from churn_devcluster.pipelines.answers import Refusal, RequestError
from churn_devcluster.pipelines.experiments import ExperimentCalls
from churn_devcluster.pipelines.listing import ListQuery, list_answer
from churn_devcluster.pipelines.records import Run, RunState, StorageState
from churn_devcluster.pipelines.requests import NewRun
from churn_devcluster.pipelines.scheduler import Scheduler
from churn_devcluster.pipelines.store import Store
from churn_devcluster.pipelines.wire import run_answer


class RunCalls:
    """create, get, list, log, terminate, retry, archive, unarchive, delete."""

    def __init__(self, store: Store, scheduler: Scheduler, experiments: ExperimentCalls, namespace: str) -> None:
        """`namespace` holds the Secrets of runs whose experiment names none."""
        self._store = store
        self._scheduler = scheduler
        self._experiments = experiments
        self._namespace = namespace

    def routes(self) -> APIRouter:
        """The calls under their paths; the log is an addition of ours."""
        routes = APIRouter(prefix="/apis/v2beta1/runs")
        routes.post("")(self.create)
        routes.get("")(self.list)
        routes.get("/{run_id}")(self.get)
        routes.get("/{run_id}/log")(self.log)
        routes.post("/{run_id}:terminate")(self.terminate)
        routes.post("/{run_id}:retry")(self.retry)
        routes.post("/{run_id}:archive")(self.archive)
        routes.post("/{run_id}:unarchive")(self.unarchive)
        routes.delete("/{run_id}")(self.delete)
        return routes

    async def create(self, body: NewRun) -> dict[str, Any]:
        """Any number of runs may have one name, as on the real system."""
        known = self._store.experiment(body.experiment_id) if body.experiment_id else self._experiments.default()
        run = body.run(known, self._namespace)
        self._store.put_run(run)
        self._scheduler.submit(run)
        return run_answer(run)

    async def list(self, query: Annotated[ListQuery, Query()]) -> dict[str, Any]:
        """By experiment or namespace, where the query names one."""
        runs = self._store.runs
        chosen = {
            identifier: _fields(run)
            for identifier, run in runs.items()
            if (not query.experiment_id or run.experiment_id == query.experiment_id)
            and (not query.namespace or run.namespace == query.namespace)
        }
        return list_answer("runs", chosen, query, lambda each: run_answer(runs[each]))

    async def get(self, run_id: str) -> dict[str, Any]:
        """By id."""
        return run_answer(self._store.run(run_id))

    async def log(self, run_id: str) -> PlainTextResponse:
        """What its steps have printed."""
        file = self._scheduler.log_file(self._store.run(run_id).id)
        return PlainTextResponse(file.read_text(errors="replace") if file.exists() else "")

    async def terminate(self, run_id: str) -> dict[str, Any]:
        """Refused for a run that has finished."""
        run = self._store.run(run_id)
        if run.state.finished:
            message = f"Invalid input error: Failed to terminate the run {run_id}: it is {run.state}"
            raise RequestError(Refusal.INVALID, message)
        await self._scheduler.terminate(run)
        return {}

    async def retry(self, run_id: str) -> dict[str, Any]:
        """Executes a run that failed or was cancelled again, under the same id."""
        run = self._store.run(run_id)
        if run.state not in (RunState.FAILED, RunState.CANCELED):
            message = f"Invalid input error: Failed to retry the run {run_id}: it is {run.state}"
            raise RequestError(Refusal.INVALID, message)
        waiting = run.moved_to(RunState.PENDING)
        self._store.put_run(waiting)
        self._scheduler.submit(waiting)
        return {}

    async def archive(self, run_id: str) -> dict[str, Any]:
        """Puts it away."""
        return self._set_storage_state(run_id, StorageState.ARCHIVED)

    async def unarchive(self, run_id: str) -> dict[str, Any]:
        """Takes it out again."""
        return self._set_storage_state(run_id, StorageState.AVAILABLE)

    async def delete(self, run_id: str) -> dict[str, Any]:
        """Ends it first, where it is being executed."""
        self._store.delete_run(self._store.run(run_id).id)
        await self._scheduler.forget(run_id)
        return {}

    def _set_storage_state(self, run_id: str, state: StorageState) -> dict[str, Any]:
        self._store.put_run(self._store.run(run_id).model_copy(update={"storage_state": state}))
        return {}


def _fields(run: Run) -> Mapping[str, Any]:
    return {
        "id": run.id,
        "run_id": run.id,
        "name": run.display_name,
        "display_name": run.display_name,
        "experiment_id": run.experiment_id,
        "namespace": run.namespace,
        "created_at": run.created_at,
        "scheduled_at": run.created_at,
        "finished_at": run.finished_at,
        "state": run.state.value,
        "storage_state": run.storage_state.value,
    }
