"""Prometheus metrics of the operator itself."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from churn_operator.api.v1alpha1 import Phase
from churn_operator.api.v1alpha1.status import AnalysisStatus, Verdict
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import AdapterError, Transient
from churn_operator.reconcile.model_metrics import ModelMetrics

RESULTS = ("done", "failed", "crashed")
"""How a pass may end."""
_VERDICTS = {Verdict.PASSED: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAILED: 2, Verdict.ERROR: 3}
_OF_CHECK = ("namespace", "name", "check")


class LoopMetrics:
    """What the loop counts. One instance a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.passes = Counter("churn_operator_passes", "Reconcile passes, by result.", ["result"], registry=registry)
        self.duration = Histogram(
            "churn_operator_pass_duration_seconds",
            "Time a pass took.",
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self.errors = Counter(
            "churn_operator_errors", "Failed calls, by source and kind.", ["source", "kind"], registry=registry
        )
        self.actions = Counter("churn_operator_actions", "Actions done, by kind.", ["action"], registry=registry)
        self.status_writes = Counter("churn_operator_status_writes", "Status writes.", registry=registry)
        self.dropped_events = Counter(
            "churn_operator_dropped_events", "Events dropped because too many waited.", registry=registry
        )
        self.watch_restarts = Counter(
            "churn_operator_watch_restarts",
            "Times that the watches of the API server ended and were begun again.",
            registry=registry,
        )
        self.queue_depth = Gauge("churn_operator_queue_depth", "Keys that wait for a worker.", registry=registry)
        self.models = Gauge("churn_operator_churnmodels", "ChurnModels, by phase.", ["phase"], registry=registry)
        self.check_value = Gauge(
            "churn_operator_analysis_value", "Last observed value of a check.", _OF_CHECK, registry=registry
        )
        self.check_threshold = Gauge(
            "churn_operator_analysis_threshold", "The value that is still good.", _OF_CHECK, registry=registry
        )
        self.check_verdict = Gauge(
            "churn_operator_analysis_verdict",
            "Last verdict of a check: 0 Passed, 1 Inconclusive, 2 Failed, 3 Error.",
            _OF_CHECK,
            registry=registry,
        )
        self.about_models = ModelMetrics()
        self._shown: dict[ObjectKey, AnalysisStatus] = {}
        self._phases: dict[ObjectKey, Phase] = {}
        self._tally: Tally[Phase] = Tally()
        for phase in Phase:
            self.models.labels(phase.value).set(0)
        for result in RESULTS:
            self.passes.labels(result)

    def text(self) -> bytes:
        """Everything in Prometheus' text format. May be asked for in another thread than the loop's."""
        return generate_latest(self.registry) + self.about_models.text()

    def expect_faults_of(self, *sources: str) -> None:
        """Show the errors of these sources from the start: of a counter that appears with its first error, rate()
        does not see that error."""
        for source in sources:
            self.errors.labels(source, Transient.__name__)

    def watch_queue(self, depth: Callable[[], int]) -> None:
        """Ask for the depth of the queue with each scrape, so that it is told although no pass comes to its end."""
        self.queue_depth.set_function(depth)

    def failed(self, error: AdapterError) -> None:
        """Count a failed call."""
        self.errors.labels(error.source, type(error).__name__).inc()

    def in_phase(self, key: ObjectKey, phase: Phase | None) -> None:
        """Count a ChurnModel in its phase; None when it is gone."""
        before = self._phases.pop(key, None)
        if before is not None:
            self._tally[before] -= 1
            self.models.labels(before.value).set(self._tally[before])
        if phase is not None:
            self._phases[key] = phase
            self._tally[phase] += 1
            self.models.labels(phase.value).set(self._tally[phase])

    def analysed(self, key: ObjectKey, analysis: AnalysisStatus | None) -> None:
        """Show the checks of the rollout under way; None when there is none."""
        before = self._shown.get(key)
        if analysis == before:
            return
        if before is not None:
            self._hide(key, before)
        if analysis is not None:
            self._show(key, analysis)

    def forget(self, key: ObjectKey) -> None:
        """A ChurnModel is gone."""
        self.in_phase(key, None)
        self.analysed(key, None)
        self.about_models.forget(key)

    def _show(self, key: ObjectKey, analysis: AnalysisStatus) -> None:
        self._shown[key] = analysis
        for check in analysis.checks:
            labels = (key.namespace, key.name, check.name)
            self.check_verdict.labels(*labels).set(_VERDICTS[check.verdict])
            if check.value is not None:
                self.check_value.labels(*labels).set(check.value)
            if check.threshold is not None:
                self.check_threshold.labels(*labels).set(check.threshold)

    def _hide(self, key: ObjectKey, analysis: AnalysisStatus) -> None:
        del self._shown[key]
        for check in analysis.checks:
            labels = (key.namespace, key.name, check.name)
            self.check_verdict.remove(*labels)
            if check.value is not None:
                self.check_value.remove(*labels)
            if check.threshold is not None:
                self.check_threshold.remove(*labels)
