"""Executes runs, a few at a time, each in a process that can be killed."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from churn_devcluster.pipelines.execution import Execution
from churn_devcluster.pipelines.records import Run, RunState
from churn_devcluster.pipelines.secrets import ReadSecret, executor_environments
from churn_devcluster.pipelines.store import Store
from churn_devcluster.processes import Process

# A pod does not have the environment of the person who submits a run; credentials least of all.
_INHERITED = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "TZ")

logger = logging.getLogger(__name__)


class Scheduler:
    """Takes each run of the store from PENDING to an end."""

    def __init__(self, store: Store, data_dir: Path, read_secret: ReadSecret, limit: int) -> None:
        """`limit` runs are executed at once; the others stay PENDING."""
        self._store = store
        self._data_dir = data_dir
        self._read_secret = read_secret
        self._slots = asyncio.Semaphore(limit)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, Process] = {}

    def resume(self) -> None:
        """After a restart: what was executing has ended with the former process, what waited still waits."""
        for run in list(self._store.runs.values()):
            match run.state:
                case RunState.RUNNING | RunState.CANCELING:
                    self._store.put_run(run.moved_to(RunState.FAILED))
                case RunState.PENDING:
                    self.submit(run)
                case RunState.SUCCEEDED | RunState.FAILED | RunState.CANCELED:
                    pass

    def submit(self, run: Run) -> None:
        """Executes the run when a slot is free."""
        task = asyncio.create_task(self._execute(run.id), name=f"run {run.id}")
        self._tasks[run.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run.id, None))

    async def terminate(self, run: Run) -> None:
        """Ends a run that has not finished: one that never started is CANCELED, any other FAILED in the
        end, as after the end of an Argo Workflow."""
        process = self._processes.get(run.id)
        if process is None:
            self._store.put_run(run.moved_to(RunState.CANCELED))
            return
        self._store.put_run(run.moved_to(RunState.CANCELING))
        await asyncio.to_thread(process.kill)

    async def forget(self, run_id: str) -> None:
        """Ends the execution of a run that is to be deleted."""
        process = self._processes.get(run_id)
        if process is not None:
            await asyncio.to_thread(process.kill)

    async def stop(self) -> None:
        """Ends all executions, and leaves the records as they are."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def log_file(self, run_id: str) -> Path:
        """What the run's steps have printed."""
        return self._data_dir / "runs" / run_id / "log"

    async def _execute(self, run_id: str) -> None:
        async with self._slots:
            if not self._is_waiting(run_id):
                return
            try:
                environments = await self._environments(self._store.runs[run_id])
                # It may have been terminated or deleted while the Secrets were read.
                if not self._is_waiting(run_id):
                    return
                process = self._start(self._store.runs[run_id], environments)
            except Exception as error:
                logger.exception("run %s cannot start", run_id)
                self._append_to_log(run_id, f"The run cannot start: {error}\n")
                self._move(run_id, RunState.FAILED)
                return
            try:
                code = await asyncio.to_thread(process.wait)
            finally:
                del self._processes[run_id]
                process.kill()
            self._move(run_id, RunState.FAILED if code else RunState.SUCCEEDED)

    def _is_waiting(self, run_id: str) -> bool:
        run = self._store.runs.get(run_id)
        return run is not None and run.state is RunState.PENDING

    def _move(self, run_id: str, state: RunState) -> None:
        run = self._store.runs.get(run_id)
        if run is not None:
            self._store.put_run(run.moved_to(state))

    async def _environments(self, run: Run) -> dict[str, dict[str, str]]:
        return await asyncio.to_thread(
            executor_environments, run.platform_spec, run.parameters, run.namespace, self._read_secret
        )

    def _start(self, run: Run, environments: dict[str, dict[str, str]]) -> Process:
        """Starts the process and records it, with no await between: no request sees one without the other."""
        process = self._process(run, environments).start()
        self._processes[run.id] = process
        self._store.put_run(run.moved_to(RunState.RUNNING))
        return process

    def _process(self, run: Run, environments: dict[str, dict[str, str]]) -> Process:
        log = self.log_file(run.id)
        temporary = log.parent / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        execution = Execution(
            work_dir=log.parent,
            pipeline_spec=run.pipeline_spec,
            parameters=run.parameters,
            executor_environments=environments,
        )
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return Process(
            f"run {run.display_name}",
            [sys.executable, "-m", "churn_devcluster.pipelines.execute"],
            log,
            {**inherited, "HOME": str(log.parent), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
            stdin=execution.model_dump_json().encode(),
        )

    def _append_to_log(self, run_id: str, text: str) -> None:
        log = self.log_file(run_id)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(text)
