"""ChurnModels as the operator's core makes them, one for each situation that Git tools have to judge."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from functools import cache
from typing import Any

from churn_operator.api.v1alpha1 import GROUP, KIND, VERSION, ChurnModelSpec, Phase
from churn_operator.core.observation import InvalidSpec

from tests.unit.core.kserve_world import ServingPlan
from tests.unit.core.world import KEY, Ending, Live, ModelPlan, World, in_service, world

APPROVALS = [{"weight": 10, "bake": "30s", "approval": True}, {"weight": 100, "bake": "0s"}]
ANALYSIS = {
    "prometheus": "http://prometheus:9090",
    "interval": "10s",
    "minRequests": 10,
    "checks": [{"name": "errorRatio", "maximum": 0.01}],
}
POOR = ModelPlan(area=0.7)


def as_object(model: World) -> dict[str, Any]:
    """The ChurnModel as the API server would answer it."""
    metadata: dict[str, Any] = {
        "name": KEY.name,
        "namespace": KEY.namespace,
        "uid": "uid-1",
        "generation": model.generation,
        "resourceVersion": str(model.resource_version),
        "creationTimestamp": "2026-03-01T12:00:00Z",
    }
    if model.annotations:
        metadata["annotations"] = dict(model.annotations)
    if model.finalized:
        metadata["finalizers"] = ["churnops.dev/cleanup"]
    if model.deletion_requested is not None:
        metadata["deletionTimestamp"] = model.deletion_requested.isoformat(timespec="seconds").replace("+00:00", "Z")
    content: dict[str, Any] = {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": metadata}
    content["spec"] = spec_of(model)
    if model.status is not None:
        content["status"] = model.status
    return content


def spec_of(model: World) -> dict[str, Any]:
    """The spec as a person writes it, without what is a default anyway."""
    if not isinstance(model.spec, ChurnModelSpec):
        return {"dataset": {"uri": "s3://data/customers.csv"}, "training": {"seed": "one"}}
    spec: dict[str, Any] = model.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return spec


def made(phase: str) -> World:
    """A world in this phase, for the caller to change."""
    return deepcopy(_made(phase))


@cache
def _made(phase: str) -> World:
    return PHASES[phase][0]()


def _candidate(**changes: Any) -> World:
    model = in_service(**changes)
    model.change(training__seed=2)
    return model


def _new() -> World:
    return world()


def _training() -> World:
    return world().until(lambda one: one.model.phase is Phase.TRAINING and one.model.training.run_id)


def _training_fails() -> World:
    model = world(training__retries=0)
    model.plans[1] = ModelPlan(endings=(Ending.FAILS,))
    return model.settle()


def _backing_off() -> World:
    model = world()
    model.plans[1] = ModelPlan(endings=(Ending.FAILS, Ending.SUCCEEDS))
    return model.until(lambda one: one.condition("Reconciling") == "True BackingOff")


def _gated() -> World:
    model = world()
    model.plans[1] = POOR
    return model.settle()


def _gated_beside_a_stable_version() -> World:
    model = _candidate()
    model.plans[2] = POOR
    return model.settle()


def _canary() -> World:
    return _candidate().until(lambda one: one.traffic().get(2) == 10 and one.model.rollout.step_started)


def _awaiting_approval() -> World:
    return _candidate(rollout__steps=APPROVALS).until(
        lambda one: one.condition("Reconciling") == "True AwaitingApproval"
    )


def _paused() -> World:
    model = _canary()
    model.annotate(pause="2")
    return model.until(lambda one: one.condition("Reconciling") == "True Paused")


def _promoting() -> World:
    model = _canary()
    model.annotate(promote="2")
    return model.until(lambda one: one.model.rollout.promoting)


def _analysis_failed() -> World:
    model = _candidate(rollout__analysis=ANALYSIS)
    model.plans[2] = ModelPlan(live=Live.ERRORS)
    return model.settle()


def _aborted() -> World:
    model = _canary()
    model.annotate(abort="2")
    return model.settle()


def _promoted() -> World:
    return _candidate().settle()


def _pinned() -> World:
    model = _promoted()
    model.change(rollback_to=1)
    return model.settle()


def _bad_pin() -> World:
    model = _promoted()
    model.change(rollback_to=7)
    return model.settle()


def _suspended() -> World:
    model = in_service()
    model.change(suspend=True)
    return model.settle()


def _dataset_missing() -> World:
    model = world()
    model.datasets.clear()
    return model.settle(quiet=timedelta(minutes=1))


def _spec_unreadable() -> World:
    model = in_service()
    model.set_spec(InvalidSpec("training.seed is no whole number"))
    return model.settle()


def _changed_spec() -> World:
    """Git has changed the spec, and the operator has not seen it."""
    return _candidate()


def _serving_out_of_sight() -> World:
    model = in_service()
    model.kserve_down = True
    return model.until(lambda one: one.condition("Ready").startswith("Unknown"))


def _predictor_fails() -> World:
    model = world()
    model.plans[1] = ModelPlan(serving=ServingPlan(breaks_after=timedelta(minutes=2)))
    model.until(lambda one: one.model.rollout.stable == 1)
    return model.until(lambda one: one.condition("Ready").startswith("False"))


def _deleting() -> World:
    model = in_service(deletion_policy="Delete")
    model.s3_down = True
    model.delete()
    return model.until(lambda one: one.model.phase is Phase.DELETING)


PHASES: dict[str, tuple[Callable[[], World], str, str]] = {
    "new": (_new, "Progressing", "InProgress"),
    "training": (_training, "Progressing", "InProgress"),
    "training fails": (_training_fails, "Degraded", "Failed"),
    "backing off": (_backing_off, "Progressing", "InProgress"),
    "gated": (_gated, "Degraded", "Failed"),
    "gated beside a stable version": (_gated_beside_a_stable_version, "Degraded", "Failed"),
    "first version in service": (in_service, "Healthy", "Current"),
    "changed spec": (_changed_spec, "Progressing", "InProgress"),
    "canary": (_canary, "Progressing", "InProgress"),
    "awaiting approval": (_awaiting_approval, "Suspended", "InProgress"),
    "paused": (_paused, "Suspended", "InProgress"),
    "promoting": (_promoting, "Progressing", "InProgress"),
    "promoted": (_promoted, "Healthy", "Current"),
    "analysis failed": (_analysis_failed, "Degraded", "Failed"),
    "aborted": (_aborted, "Degraded", "Failed"),
    "pinned": (_pinned, "Healthy", "Current"),
    "pin of no version": (_bad_pin, "Degraded", "Failed"),
    "suspended": (_suspended, "Suspended", "Current"),
    "dataset missing": (_dataset_missing, "Degraded", "Failed"),
    "spec unreadable": (_spec_unreadable, "Degraded", "Failed"),
    "serving out of sight": (_serving_out_of_sight, "Progressing", "InProgress"),
    "predictor fails": (_predictor_fails, "Degraded", "Failed"),
    "deleting": (_deleting, "Progressing", "Terminating"),
}
"""How to come there, what Argo CD calls it, and what kstatus (Flux) calls it."""
