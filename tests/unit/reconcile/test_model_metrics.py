"""What the operator exports of each ChurnModel, from statuses that its core makes."""

from __future__ import annotations

from typing import Any

import pytest
from churn_operator.core.observation import ObjectKey
from churn_operator.reconcile.metrics import RESULTS, LoopMetrics
from churn_operator.reconcile.model_metrics import FAMILIES, PREFIX
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.core.world import KEY, Live, ModelPlan, World, in_service, world

pytestmark = pytest.mark.unit

STEPS = [{"weight": 10, "bake": "30s"}, {"weight": 50, "bake": "2h"}]
POOR = ModelPlan(area=0.7)


def exported(model: World) -> LoopMetrics:
    metrics = LoopMetrics(CollectorRegistry())
    metrics.about_models.show(KEY, model.spec, model.model)
    return metrics


def series(metrics: LoopMetrics, name: str) -> list[tuple[dict[str, str], float]]:
    """Labels without namespace and name, and the value, of each series."""
    found = []
    for family in text_string_to_metric_families(metrics.about_models.text().decode()):
        for sample in family.samples:
            if sample.name == PREFIX + name:
                labels = dict(sample.labels)
                assert (labels.pop("namespace"), labels.pop("name")) == (KEY.namespace, KEY.name)
                found.append((labels, sample.value))
    return found


def value(model: World, name: str) -> float | None:
    found = series(exported(model), name)
    assert len(found) <= 1
    return found[0][1] if found else None


def conditions(model: World) -> set[str]:
    found = series(exported(model), "condition")
    assert all(number == 1 for _, number in found)
    return {f"{labels['type']} {labels['status']} {labels['reason']}" for labels, _ in found}


def on_its_way(**changes: Any) -> World:
    model = in_service(rollout__steps=STEPS, **changes)
    model.change(training__seed=2)
    return model.until(lambda one: one.model.rollout.step == 1 and one.model.rollout.step_started)


def test_a_model_in_service_says_that_it_is_ready_and_nothing_else() -> None:
    model = in_service()
    assert conditions(model) == {"Ready True InService"}
    assert value(model, "stable_version") == 1
    assert value(model, "candidate_version") is None
    assert value(model, "rollout_step_bake_seconds") is None
    version = model.model.version(1)
    assert version is not None
    assert version.promoted is not None
    assert series(exported(model), "promoted_timestamp_seconds") == [({"version": "1"}, version.promoted.timestamp())]
    assert series(exported(model), "roc_auc") == [({"version": "1", "state": "Stable"}, 0.84)]


def test_work_and_what_stands_in_its_way_are_shown_while_they_last() -> None:
    assert conditions(world().until(lambda one: one.model.training)) == {
        "Ready False NoVersion",
        "Reconciling True Training",
    }
    refused = in_service()
    refused.plans[2] = POOR
    refused.change(training__seed=2)
    assert conditions(refused.settle()) == {"Ready True InService", "Stalled True GateRejected"}


def test_a_rollout_says_where_it_is_and_how_long_its_step_is_to_last() -> None:
    model = on_its_way()
    rollout = model.model.rollout
    assert rollout.step_started is not None
    expected = {
        "candidate_version": 2,
        "candidate_weight_percent": 50,
        "rollout_step": 1,
        "rollout_step_bake_seconds": 7200,
        "rollout_step_started_timestamp_seconds": rollout.step_started.timestamp(),
        "stable_version": 1,
    }
    assert {name: value(model, name) for name in expected} == expected


def test_a_first_rollout_has_no_bake() -> None:
    model = world(rollout__steps=STEPS).until(lambda one: one.model.rollout.candidate == 1)
    assert value(model, "rollout_step_bake_seconds") == 0
    assert value(model, "stable_version") is None


def test_the_gate_shows_values_beside_thresholds_of_the_newest_version() -> None:
    metrics = exported(in_service(evaluation__maximums={"brier": 0.2}))
    labels = {"version": "1", "metric": "rocAuc", "check": "Threshold"}
    assert (labels, 0.84) in series(metrics, "gate_value")
    assert ({**labels, "bound": "minimum"}, 0.8) in series(metrics, "gate_threshold")
    assert ({**labels, "metric": "brier", "bound": "maximum"}, 0.2) in series(metrics, "gate_threshold")


def test_rejections_are_counted_until_a_version_passes() -> None:
    model = in_service()
    assert value(model, "gate_rejections") == 0
    for seed in (2, 3, 4):
        model.plans[seed] = POOR
        model.change(training__seed=seed)
        model.settle()
    assert value(model, "gate_rejections") == 3
    model.change(training__seed=5)
    model.settle()
    assert value(model, "gate_rejections") == 0


def test_the_last_rollback_has_its_time_and_reason() -> None:
    model = in_service(
        rollout__steps=STEPS,
        rollout__analysis={
            "prometheus": "http://prometheus:9090",
            "interval": "10s",
            "minRequests": 10,
            "checks": [{"name": "errorRatio", "maximum": 0.01}],
        },
    )
    assert series(exported(model), "rolled_back_timestamp_seconds") == []
    model.plans[2] = ModelPlan(live=Live.ERRORS)
    model.change(training__seed=2)
    model.settle()
    gone = model.model.version(2)
    assert gone is not None
    assert gone.retired is not None
    labels = {"version": "2", "reason": "AnalysisFailed"}
    assert series(exported(model), "rolled_back_timestamp_seconds") == [(labels, gone.retired.timestamp())]


def test_what_is_gone_is_not_exported() -> None:
    metrics = exported(in_service())
    metrics.about_models.show(ObjectKey("team", "other"), in_service().spec, in_service().model)
    metrics.forget(ObjectKey("team", "other"))
    assert series(metrics, "stable_version") == [({}, 1)]
    metrics.forget(KEY)
    assert series(metrics, "stable_version") == []


def test_every_family_has_a_type_and_a_help_beside_the_metrics_of_the_loop() -> None:
    families = {
        family.name: family for family in text_string_to_metric_families(exported(on_its_way()).text().decode())
    }
    for family in FAMILIES:
        assert (families[PREFIX + family.name].type, families[PREFIX + family.name].documentation) == (
            "gauge",
            family.help,
        )
    assert families["churn_operator_queue_depth"].samples


def test_a_label_may_hold_what_the_format_uses_itself() -> None:
    model = in_service(evaluation__minimums={"rocAuc": 0.8})
    odd = 'a "quoted" \\ name\nof two lines'
    version = model.model.versions[0]
    gate = tuple(result.model_copy(update={"metric": odd}) for result in version.gate)
    status = model.model.model_copy(update={"versions": (version.model_copy(update={"gate": gate}),)})
    metrics = LoopMetrics(CollectorRegistry())
    metrics.about_models.show(KEY, model.spec, status)
    assert series(metrics, "gate_value")[0][0]["metric"] == odd


def test_the_first_error_of_a_source_and_the_first_failed_pass_are_an_increase() -> None:
    metrics = LoopMetrics(CollectorRegistry())
    metrics.expect_faults_of("KFP")
    found = metrics.registry.get_sample_value
    assert found("churn_operator_errors_total", {"source": "KFP", "kind": "Transient"}) == 0
    assert [found("churn_operator_passes_total", {"result": result}) for result in RESULTS] == [0, 0, 0]


def test_the_queue_is_asked_when_it_is_scraped() -> None:
    metrics = LoopMetrics(CollectorRegistry())
    waiting = [KEY]
    metrics.watch_queue(lambda: len(waiting))
    assert metrics.registry.get_sample_value("churn_operator_queue_depth") == 1
    waiting.clear()
    assert metrics.registry.get_sample_value("churn_operator_queue_depth") == 0
