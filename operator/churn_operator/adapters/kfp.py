"""The Pipelines port over the kfp SDK.

What a run is asked for by name costs no request of its own: one listing of the active runs of a KFP
namespace serves every caller for `pipelines_poll_seconds`. A run that it does not show has ended, or is
too new, or is not there: it is looked up by name, and remembered once it has ended.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import kfp_server_api

from churn_operator.adapters.aged import Aged
from churn_operator.adapters.kfp_client import new_client
from churn_operator.adapters.kfp_errors import SOURCE, Unsent, classified
from churn_operator.adapters.kfp_package import declared_of, pipeline_package, prepare
from churn_operator.adapters.kfp_runs import active, is_run_of, listed_run, named, oldest, run_of
from churn_operator.adapters.threads import ThreadPool, stop_if_given_up
from churn_operator.core.actions import SubmitRun
from churn_operator.core.observation import PipelinesTarget, Run, RunState
from churn_operator.errors import Conflict, NotFound, Rejected, Transient
from churn_operator.settings import Settings

_THREADS = 8
_DEADLINE = timedelta(seconds=20)
_PAGE = 200
_ACTIVE_PAGE = 100
_REMEMBERED = 20_000
_LOST_GRACE = timedelta(seconds=15)
_GRACE = 0.5
"""Part of the interval by which a listing may be older while a new one is on its way."""

Installation = tuple[str, str | None]
Namespace = tuple[str, str | None, str]


class KfpPipelines:
    """Kubeflow Pipelines, one client for each endpoint and token."""

    def __init__(
        self, settings: Settings, package: bytes | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`package` takes the place of the built-in pipeline. `clock` counts seconds."""
        self._settings = settings
        self._package = package if package is not None else pipeline_package()
        self._clock = clock
        self._pool = ThreadPool(SOURCE, _THREADS, _DEADLINE)
        self._clients: dict[Installation, Any] = {}
        self._making = threading.Lock()
        self._listings: dict[Namespace, Aged[dict[str, Run]]] = {}
        self._ended: OrderedDict[tuple[Namespace, str], Run] = OrderedDict()
        self._experiments: dict[tuple[Namespace, str], str] = {}
        self._lost: dict[tuple[Namespace, str], float] = {}

    async def find_run(self, target: PipelinesTarget, run_name: str) -> Run | None:
        """See ports.Pipelines."""
        place = _namespace(target)
        if place not in self._listings:
            self._listings[place] = Aged(partial(self._list_active, target), self._clock)
        interval = self._settings.pipelines_poll_seconds
        listed = await self._listings[place].get(interval, grace=interval * _GRACE)
        # A run that was retried in KFP is active again, so the listing goes before memory.
        found = listed.get(run_name) or self._ended.get((place, run_name))
        if found is None:
            found = await self._pool.call(self._look_up, target, run_name)
            self._remember(place, found)
            if found is not None and not found.state.terminal:
                listed[run_name] = found
        return found

    async def submit(self, request: SubmitRun, package: bytes | None = None) -> Run:
        """See ports.Pipelines. After a lost answer nothing is created for 15 seconds, in which a run that
        the server was still making shows up and is adopted."""
        place = _namespace(request.target)
        wanted = (place, request.run_name)
        found = await self._pool.call(self._look_up, request.target, request.run_name)
        if found is None:
            self._wait_for_lost(wanted)
            try:
                found = await self._pool.call(self._create, request, package)
            except Unsent:
                raise
            except Transient:
                self._lost[wanted] = self._clock()
                raise
        self._lost.pop(wanted, None)
        # What was known before is older than the run. The listing stays: asking for it anew after each of many
        # submissions would cost more than looking this one up by its name.
        self._ended.pop(wanted, None)
        return found

    async def terminate(self, target: PipelinesTarget, run_id: str) -> None:
        """See ports.Pipelines."""
        await self._pool.call(self._terminate, target, run_id)
        if _namespace(target) in self._listings:
            self._listings[_namespace(target)].forget()

    async def list_runs(self, target: PipelinesTarget, model_name: str) -> tuple[Run, ...]:
        """See ports.Pipelines. Only those in the target's experiment: other Kubernetes namespaces may have
        a ChurnModel of this name, and share the KFP namespace."""
        return await self._pool.call(self._list_of_model, target, model_name)

    async def delete_run(self, target: PipelinesTarget, run_id: str) -> None:
        """See ports.Pipelines."""
        await self._pool.call(self._delete, target, run_id)
        place = _namespace(target)
        for wanted, run in list(self._ended.items()):
            if wanted[0] == place and run.id == run_id:
                del self._ended[wanted]
        if place in self._listings:
            self._listings[place].forget()

    def close(self) -> None:
        """Let go of threads and connections."""
        self._pool.close()

    async def ended(self) -> None:
        """Return once no thread is at work any more; after `close`."""
        await self._pool.ended()
        for client in self._clients.values():
            client.runs.api_client.rest_client.pool_manager.clear()

    def _remember(self, place: Namespace, run: Run | None) -> None:
        if run is None or not run.state.terminal:
            return
        self._ended[place, run.name] = run
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)

    def _wait_for_lost(self, wanted: tuple[Namespace, str]) -> None:
        lost = self._lost.get(wanted)
        if lost is None:
            return
        left = _LOST_GRACE - timedelta(seconds=self._clock() - lost)
        if left > timedelta(0):
            raise Transient(SOURCE, f"whether run {wanted[1]} was created is not known yet", left)

    async def _list_active(self, target: PipelinesTarget) -> dict[str, Run]:
        return await self._pool.call(self._list_active_in_thread, target)

    def _list_active_in_thread(self, target: PipelinesTarget) -> dict[str, Run]:
        listed: dict[str, Run] = {}
        with classified():
            # Newest first, so that of two with one name the oldest is kept.
            for run in self._active_runs(target):
                listed[run.name] = run
        return listed

    def _active_runs(self, target: PipelinesTarget) -> Iterator[Run]:
        """As JSON: each run carries its whole pipeline, and the SDK's models of a hundred of them, made every
        few seconds, would hold up everything else."""
        query = {"namespace": target.namespace, "filter": active(), "sort_by": "created_at desc"}
        api = self._client(target).runs.api_client
        token = ""
        while True:
            stop_if_given_up()
            answer = api.call_api(
                "/apis/v2beta1/runs",
                "GET",
                query_params=[*query.items(), ("page_size", _ACTIVE_PAGE), ("page_token", token)],
                header_params={"Accept": "application/json"},
                response_type="object",
                auth_settings=["Bearer"],
                _return_http_data_only=True,
            )
            yield from (listed_run(run, self._ui(target)) for run in answer.get("runs", ()))
            token = answer.get("next_page_token", "")
            if not token:
                return

    def _look_up(self, target: PipelinesTarget, run_name: str) -> Run | None:
        with classified():
            runs = list(self._pages(target, filter=named(run_name), sort_by="created_at", namespace=target.namespace))
            first = oldest([run for run in runs if run.display_name == run_name])
            if first is None:
                return None
            found = run_of(first, self._ui(target))
            if found.state is RunState.FAILED and not found.error:
                # A listing leaves details out.
                found = run_of(self._client(target).get_run(first.run_id), self._ui(target))
        return found

    def _create(self, request: SubmitRun, package: bytes | None) -> Run:
        target, content = request.target, self._package if package is None else package
        spec = prepare(content, request.image, request.requests, request.limits, request.secret_name)
        parameters = request.parameters if package is None else declared_of(request.parameters, package)
        try:
            with classified():
                run = kfp_server_api.V2beta1Run(
                    experiment_id=self._experiment(target, create=True),
                    display_name=request.run_name,
                    pipeline_spec=spec,
                    runtime_config=kfp_server_api.V2beta1RuntimeConfig(parameters=dict(parameters)),
                    service_account=target.service_account_name,
                )
                created = self._client(target).runs.run_service_create_run(run=run)
                return run_of(created, self._ui(target))
        except (Rejected, NotFound):
            # The experiment may have been deleted: the next submission reads it anew.
            self._experiments.pop((_namespace(target), target.experiment), None)
            raise

    def _experiment(self, target: PipelinesTarget, create: bool) -> str | None:
        wanted = (_namespace(target), target.experiment)
        if wanted not in self._experiments:
            found = self._read_experiment(target) or (self._create_experiment(target) if create else None)
            if found is None:
                return None
            self._experiments[wanted] = found
        return self._experiments[wanted]

    def _read_experiment(self, target: PipelinesTarget) -> str | None:
        answer = self._client(target).list_experiments(namespace=target.namespace, filter=named(target.experiment))
        for experiment in answer.experiments or ():
            if experiment.display_name == target.experiment:
                return str(experiment.experiment_id)
        return None

    def _create_experiment(self, target: PipelinesTarget) -> str | None:
        experiment = kfp_server_api.V2beta1Experiment(display_name=target.experiment, namespace=target.namespace)
        try:
            with classified():
                created = self._client(target).experiments.experiment_service_create_experiment(experiment=experiment)
                return str(created.experiment_id)
        except Conflict:
            # Another pass was faster.
            return self._read_experiment(target)

    def _terminate(self, target: PipelinesTarget, run_id: str) -> None:
        try:
            with classified():
                self._client(target).terminate_run(run_id)
        except NotFound:
            return
        except Rejected:
            # KFP answers 400 for a run that has ended.
            with classified():
                run = run_of(self._client(target).get_run(run_id), self._ui(target))
            if not run.state.terminal:
                raise

    def _list_of_model(self, target: PipelinesTarget, model_name: str) -> tuple[Run, ...]:
        try:
            with classified():
                experiment = self._experiment(target, create=False)
                if experiment is None:
                    return ()
                runs = [run_of(run, self._ui(target)) for run in self._pages(target, experiment_id=experiment)]
        except NotFound:
            self._experiments.pop((_namespace(target), target.experiment), None)
            return ()
        return tuple(run for run in runs if is_run_of(model_name, run.name))

    def _delete(self, target: PipelinesTarget, run_id: str) -> None:
        try:
            with classified():
                self._client(target).delete_run(run_id)
        except NotFound:
            return

    def _pages(self, target: PipelinesTarget, **query: str) -> Iterator[Any]:
        token = ""
        while True:
            stop_if_given_up()
            answer = self._client(target).list_runs(page_token=token, page_size=_PAGE, **query)
            yield from answer.runs or ()
            token = answer.next_page_token or ""
            if not token:
                return

    def _client(self, target: PipelinesTarget) -> Any:
        installation = (target.endpoint, target.token_path)
        with self._making:
            if installation not in self._clients:
                self._clients[installation] = new_client(target.endpoint, target.token_path or None)
            return self._clients[installation]

    def _ui(self, target: PipelinesTarget) -> str:
        own = target.endpoint == self._settings.pipelines_endpoint
        return self._settings.pipelines_ui if own and self._settings.pipelines_ui else target.endpoint


def _namespace(target: PipelinesTarget) -> Namespace:
    return (target.endpoint, target.token_path, target.namespace)
