"""Acting: each action of a decision through its port, in order, up to the first that fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import structlog

from churn_operator.core.actions import (
    Action,
    AddFinalizer,
    ApplyServing,
    DeleteArtifacts,
    DeleteRun,
    DeleteServing,
    RemoveFinalizer,
    SubmitRun,
    TerminateRun,
)
from churn_operator.core.observation import Fault, ObjectKey
from churn_operator.errors import AdapterError, Changed, Rejected
from churn_operator.ports import Artifacts, Cluster, Pipelines, Serving
from churn_operator.reconcile.metrics import LoopMetrics

_log = structlog.get_logger()


@dataclass(frozen=True)
class Acted:
    """What came of the actions: the ChurnModel as our own write left it (if one did), and the fault."""

    written: Mapping[str, Any] | None = None
    fault: Fault | None = None


@dataclass(frozen=True)
class Actor:
    """Executes actions; every one of them may be repeated."""

    pipelines: Pipelines
    artifacts: Artifacts
    serving: Serving
    cluster: Cluster
    metrics: LoopMetrics

    async def execute(self, key: ObjectKey, actions: tuple[Action, ...]) -> Acted:
        """Stop at the first fault: later actions may depend on earlier ones."""
        written: Mapping[str, Any] | None = None
        for action in actions:
            name = type(action).__name__
            try:
                written = await self._execute(key, action) or written
            except AdapterError as error:
                self.metrics.failed(error)
                _log.warning("action failed", action=name, source=error.source, error=error.message)
                rejected, changed = isinstance(error, Rejected), isinstance(error, Changed)
                return Acted(written, Fault(name, rejected, str(error), changed))
            _log.info("action done", action=name)
            self.metrics.actions.labels(name).inc()
        return Acted(written)

    async def _execute(self, key: ObjectKey, action: Action) -> Mapping[str, Any] | None:
        match action:
            case AddFinalizer():
                return await self.cluster.set_finalizer(key, True)
            case RemoveFinalizer():
                return await self.cluster.set_finalizer(key, False)
            case SubmitRun(package=package):
                content = None if package is None else await self.artifacts.package_content(package)
                await self.pipelines.submit(action, content)
            case TerminateRun(target, run_id):
                await self.pipelines.terminate(target, run_id)
            case DeleteRun(target, run_id):
                await self.pipelines.delete_run(target, run_id)
            case ApplyServing(model, uid, driver, step):
                await self.serving.apply(model, uid, driver, step)
            case DeleteServing(model, driver):
                await self.serving.delete(model, driver)
            case DeleteArtifacts(uri):
                await self.artifacts.delete(uri)
            case _:
                assert_never(action)
        return None
