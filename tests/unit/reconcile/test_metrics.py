"""What the operator exports of its analyses: thresholds beside the observed values."""

from __future__ import annotations

import pytest
from churn_operator.api.v1alpha1.status import AnalysisStatus, CheckStatus, Verdict
from churn_operator.core.observation import ObjectKey
from churn_operator.reconcile.metrics import LoopMetrics
from prometheus_client import CollectorRegistry

from tests.unit.reconcile.ports import KEY, NOW

pytestmark = pytest.mark.unit

OTHER = ObjectKey("team", "other")


def analysis(*checks: tuple[str, Verdict, float | None]) -> AnalysisStatus:
    return AnalysisStatus(
        verdict=Verdict.PASSED,
        last_run=NOW,
        checks=tuple(
            CheckStatus(name=name, verdict=verdict, reason="Because", value=value, threshold=0.5)
            for name, verdict, value in checks
        ),
    )


def exported(metrics: LoopMetrics, what: str, check: str, key: ObjectKey = KEY) -> float | None:
    labels = {"namespace": key.namespace, "name": key.name, "check": check}
    return metrics.registry.get_sample_value(f"churn_operator_analysis_{what}", labels)


@pytest.mark.parametrize(
    ("verdict", "number"),
    [(Verdict.PASSED, 0), (Verdict.INCONCLUSIVE, 1), (Verdict.FAILED, 2), (Verdict.ERROR, 3)],
)
def test_a_check_has_its_value_threshold_and_verdict(verdict: Verdict, number: int) -> None:
    metrics = LoopMetrics(CollectorRegistry())
    metrics.analysed(KEY, analysis(("errorRatio", verdict, 0.25)))
    found = [exported(metrics, what, "errorRatio") for what in ("value", "threshold", "verdict")]
    assert found == [0.25, 0.5, number]


def test_what_was_not_observed_has_no_value_rather_than_an_old_one() -> None:
    metrics = LoopMetrics(CollectorRegistry())
    metrics.analysed(KEY, analysis(("errorRatio", Verdict.PASSED, 0.25), ("scoreShift", Verdict.PASSED, 0.1)))
    metrics.analysed(KEY, analysis(("errorRatio", Verdict.ERROR, None)))
    assert exported(metrics, "value", "errorRatio") is None
    assert exported(metrics, "verdict", "errorRatio") == 3
    assert exported(metrics, "verdict", "scoreShift") is None


@pytest.mark.parametrize("end", ["the rollout ends", "the object goes"])
def test_nothing_is_left_when_it_is_over(end: str) -> None:
    metrics = LoopMetrics(CollectorRegistry())
    for key in (KEY, OTHER):
        metrics.analysed(key, analysis(("errorRatio", Verdict.PASSED, 0.25), ("cost", Verdict.ERROR, None)))
    if end == "the rollout ends":
        metrics.analysed(KEY, None)
    else:
        metrics.forget(KEY)
    for what in ("value", "threshold", "verdict"):
        assert exported(metrics, what, "errorRatio") is None
        assert exported(metrics, what, "errorRatio", OTHER) is not None
