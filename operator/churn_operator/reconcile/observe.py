"""Observing: every question of a pass asked at once, under one deadline. What fails is Unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from churn_report import Failure, Outcome, Report

from churn_operator.core.analysis import Measurement, Traffic, Unavailable
from churn_operator.core.hook_calls import HooksQuestion
from churn_operator.core.live_questions import LookQuestion
from churn_operator.core.observation import (
    NOT_ASKED,
    HookAnswer,
    Installation,
    Known,
    Leftovers,
    ObjectKey,
    Observation,
    Package,
    Run,
    Seen,
    Subject,
    Unknown,
)
from churn_operator.core.questions import (
    DatasetQuestion,
    LeftoversQuestion,
    PackageQuestion,
    RunQuestion,
    questions,
)
from churn_operator.core.traffic import TrafficObservation
from churn_operator.errors import AdapterError, Rejected, Transient, Unreadable
from churn_operator.ports import Artifacts, Hooks, Metrics, Pipelines, Serving
from churn_operator.reconcile.metrics import LoopMetrics

T = TypeVar("T")

KFP, S3, KSERVE, PROMETHEUS, WEBHOOK = "KFP", "S3", "KServe", "Prometheus", "Webhook"
"""Whom a question is to, by the names that the adapters have in their errors: alerts go by them."""


@dataclass(frozen=True)
class Observer:
    """Asks the ports what a ChurnModel makes worth asking."""

    pipelines: Pipelines
    artifacts: Artifacts
    serving: Serving
    traffic: Metrics
    hooks: Hooks
    installation: Installation
    clock: Callable[[], datetime]
    deadline: timedelta
    metrics: LoopMetrics

    async def observe(self, subject: Subject) -> Observation:
        """Never raises an AdapterError: what could not be seen is Unknown."""
        asked = questions(subject, self.installation, self.clock())
        (dataset, package), (run, report), serving, (traffic, measurements), hooks, leftovers = await asyncio.gather(
            asyncio.gather(self._dataset(asked.dataset), self._package(asked.package)),
            self._run(asked.run),
            self._serving(subject.key, asked.driver),
            self._look(asked.look),
            self._hooks(asked.hooks),
            self._leftovers(asked.leftovers),
        )
        return Observation(
            now=self.clock(),
            subject=subject,
            installation=self.installation,
            dataset=dataset,
            package=package,
            run=run,
            report=report,
            serving=serving,
            traffic=traffic,
            measurements=measurements,
            hooks=hooks,
            leftovers=leftovers,
        )

    async def _dataset(self, question: DatasetQuestion | None) -> Seen[str | None]:
        if question is None:
            return NOT_ASKED
        return await self._seen(S3, self.artifacts.dataset_digest(question.location, question.max_age))

    async def _package(self, question: PackageQuestion | None) -> Seen[Package | None]:
        if question is None:
            return NOT_ASKED
        return await self._seen(S3, self.artifacts.package(question.location, question.max_age))

    async def _run(self, question: RunQuestion | None) -> tuple[Seen[Run | None], Seen[Report | None]]:
        if question is None:
            return NOT_ASKED, NOT_ASKED
        run = await self._seen(KFP, self.pipelines.find_run(question.target, question.run_name))
        ended = isinstance(run, Known) and run.value is not None and run.value.state.terminal
        if not ended:
            return run, NOT_ASKED
        return run, await self._seen(S3, self._report(question))

    async def _report(self, question: RunQuestion) -> Report | None:
        """A report that cannot be read is a failure of the run that wrote it, not of the store."""
        try:
            return await self.artifacts.report(question.output_uri)
        except Unreadable as error:
            failure = Failure(step="publish", reason="ReportUnreadable", message=error.message)
            return Report(
                outcome=Outcome.REJECTED, failure=failure, key=question.run_name, created=self.clock(), code_version=""
            )

    async def _serving(self, key: ObjectKey, driver: str | None) -> Seen[TrafficObservation | None]:
        if driver is None:
            return NOT_ASKED
        return await self._seen(KSERVE, self.serving.observe(key, driver))

    async def _look(
        self, question: LookQuestion | None
    ) -> tuple[Seen[Traffic], Mapping[str, Measurement | Unavailable]]:
        if question is None:
            return NOT_ASKED, {}
        return await asyncio.gather(
            self._seen(PROMETHEUS, self.traffic.traffic(question.traffic)),
            self._measurements(question),
        )

    async def _measurements(self, question: LookQuestion) -> Mapping[str, Measurement | Unavailable]:
        names = [name for name, _ in question.templates]
        found = await asyncio.gather(
            *(
                self._seen(PROMETHEUS, self.traffic.measure(question.traffic, name, query))
                for name, query in question.templates
            )
        )
        return {
            name: seen.value if isinstance(seen, Known) else Unavailable(seen.message)
            for name, seen in zip(names, found, strict=True)
        }

    async def _hooks(self, question: HooksQuestion | None) -> Seen[Mapping[str, HookAnswer]]:
        if question is None:
            return NOT_ASKED
        names = [call.hook.name for call in question.calls]
        found = await asyncio.gather(
            *(self._seen(WEBHOOK, self.hooks.ask(call, question.max_age)) for call in question.calls)
        )
        return Known(
            {
                name: seen.value if isinstance(seen, Known) else HookAnswer(False, seen.message)
                for name, seen in zip(names, found, strict=True)
            }
        )

    async def _leftovers(self, question: LeftoversQuestion | None) -> Seen[Leftovers]:
        if question is None:
            return NOT_ASKED
        runs, artifacts = await asyncio.gather(
            self._seen(KFP, self.pipelines.list_runs(question.target, question.model_name)),
            self._seen(S3, self.artifacts.exists(question.root)),
        )
        if isinstance(runs, Unknown):
            return runs
        return artifacts if isinstance(artifacts, Unknown) else Known(Leftovers(runs.value, artifacts.value))

    async def _seen(self, source: str, answer: Awaitable[T]) -> Seen[T]:
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                return Known(await answer)
        except Rejected as error:
            self.metrics.failed(error)
            return Unknown(f"{error.source}Rejected", error.message, rejected=True)
        except AdapterError as error:
            self.metrics.failed(error)
            return Unknown(f"{error.source}Unavailable", error.message)
        except TimeoutError:
            late = Transient(source, f"no answer within {self.deadline.total_seconds():g}s")
            self.metrics.failed(late)
            return Unknown("DeadlineExceeded", late.message)
