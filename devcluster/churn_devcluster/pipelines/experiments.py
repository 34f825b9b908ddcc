"""The calls about experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from churn_devcluster.pipelines.answers import Refusal, RequestError
from churn_devcluster.pipelines.listing import ListQuery, list_answer
from churn_devcluster.pipelines.records import Experiment, StorageState
from churn_devcluster.pipelines.requests import NewExperiment
from churn_devcluster.pipelines.store import Store
from churn_devcluster.pipelines.wire import experiment_answer

_DEFAULT_NAME = "Default"


class ExperimentCalls:
    """create, get, list, archive, unarchive, delete."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> APIRouter:
        """The calls under their paths."""
        routes = APIRouter(prefix="/apis/v2beta1/experiments")
        routes.post("")(self.create)
        routes.get("")(self.list)
        routes.get("/{experiment_id}")(self.get)
        routes.post("/{experiment_id}:archive")(self.archive)
        routes.post("/{experiment_id}:unarchive")(self.unarchive)
        routes.delete("/{experiment_id}")(self.delete)
        return routes

    async def create(self, body: NewExperiment) -> dict[str, Any]:
        """Refuses a name that its namespace has already."""
        experiment = body.experiment()
        taken = {(each.namespace, each.display_name) for each in self._store.experiments.values()}
        if (experiment.namespace, experiment.display_name) in taken:
            message = f"Already exist error: The name {experiment.display_name} already exist"
            raise RequestError(Refusal.EXISTS, message)
        self._store.put_experiment(experiment)
        return experiment_answer(experiment)

    async def list(self, query: Annotated[ListQuery, Query()]) -> dict[str, Any]:
        """By namespace, where the query names one."""
        experiments = self._store.experiments
        chosen = {
            identifier: _fields(experiment)
            for identifier, experiment in experiments.items()
            if not query.namespace or experiment.namespace == query.namespace
        }
        return list_answer("experiments", chosen, query, lambda each: experiment_answer(experiments[each]))

    async def get(self, experiment_id: str) -> dict[str, Any]:
        """By id."""
        return experiment_answer(self._store.experiment(experiment_id))

    async def archive(self, experiment_id: str) -> dict[str, Any]:
        """Puts it away."""
        return self._set_storage_state(experiment_id, StorageState.ARCHIVED)

    async def unarchive(self, experiment_id: str) -> dict[str, Any]:
        """Takes it out again."""
        return self._set_storage_state(experiment_id, StorageState.AVAILABLE)

    async def delete(self, experiment_id: str) -> dict[str, Any]:
        """Its runs stay."""
        self._store.delete_experiment(self._store.experiment(experiment_id).id)
        return {}

    def default(self) -> Experiment:
        """Where a run goes that names no experiment; made when there is none."""
        for experiment in self._store.experiments.values():
            if experiment.display_name == _DEFAULT_NAME and not experiment.namespace:
                return experiment
        experiment = NewExperiment(display_name=_DEFAULT_NAME).experiment()
        self._store.put_experiment(experiment)
        return experiment

    def _set_storage_state(self, experiment_id: str, state: StorageState) -> dict[str, Any]:
        experiment = self._store.experiment(experiment_id)
        self._store.put_experiment(experiment.model_copy(update={"storage_state": state}))
        return {}


def _fields(experiment: Experiment) -> Mapping[str, Any]:
    return {
        "id": experiment.id,
        "experiment_id": experiment.id,
        "name": experiment.display_name,
        "display_name": experiment.display_name,
        "namespace": experiment.namespace,
        "created_at": experiment.created_at,
        "storage_state": experiment.storage_state.value,
    }
