"""ChurnModels as the rows need them: new ones, and ones that have been in service for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from churn_operator.adapters.kserve import knative
from churn_operator.api.reading import write_status
from churn_operator.core.actions import AddFinalizer, ApplyServing, Decision, SubmitRun
from churn_operator.core.decide import decide
from churn_operator.core.observation import Installation, Known, ObjectKey, Observation, Run, RunState
from churn_operator.reconcile.subject import FINALIZER, subject_of
from churn_report import Artifact, DatasetSummary, Outcome, Report

NAMESPACE = "bench"
MODELS = f"/apis/churnops.dev/v1alpha1/namespaces/{NAMESPACE}/churnmodels"
SERVICES = f"/apis/serving.kserve.io/v1beta1/namespaces/{NAMESPACE}/inferenceservices"
MOST_PASSES = 40


def new_model(name: str, dataset_uri: str, finalized: bool = False) -> dict[str, Any]:
    """A ChurnModel as a person writes it: dataset, algorithm, a gate and a canary."""
    return {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {"name": name, "namespace": NAMESPACE, **({"finalizers": [FINALIZER]} if finalized else {})},
        "spec": {
            "dataset": {"uri": dataset_uri},
            "training": {"algorithm": "logisticRegression", "hyperparameters": {"C": 1.0}, "seed": 42},
            "evaluation": {"minimums": {"rocAuc": 0.8}, "maximums": {"expectedCalibrationError": 0.08}},
            "rollout": {"steps": [{"weight": 10, "bake": "5m"}, {"weight": 50, "bake": "5m"}]},
        },
    }


@dataclass(frozen=True)
class InService:
    """What the API server holds of a ChurnModel whose first version is in service."""

    status: dict[str, Any]
    service: dict[str, Any]
    service_status: dict[str, Any]


def in_service(raw: Mapping[str, Any], digest: str, installation: Installation) -> InService:
    """Let the core itself bring a ChurnModel into service, in a world where all goes well, until it asks for
    nothing more: so the status is the one the operator would have written.

    Raises RuntimeError if the core does not come to rest.
    """
    world = _World(
        Observation(_WHEN, subject_of(raw), installation, dataset=Known(digest), run=Known(None), serving=Known(None))
    )
    for _ in range(MOST_PASSES):
        decision = decide(world.observation)
        if decision.status == world.observation.subject.status and not decision.actions and world.service:
            return InService(write_status(decision.status), world.service, _service_status(world.key))
        world.follow(decision)
    raise RuntimeError(f"{world.key} did not come to rest: {decision.status}")


_WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class _World:
    observation: Observation
    service: dict[str, Any] | None = None

    @property
    def key(self) -> ObjectKey:
        return self.observation.subject.key

    def follow(self, decision: Decision) -> None:
        """Do what the decision asks for, at once and without a fault."""
        subject = replace(self.observation.subject, status=decision.status)
        later = self.observation.now + timedelta(seconds=1)
        observation = replace(self.observation, subject=subject, now=later)
        for action in decision.actions:
            match action:
                case SubmitRun(run_name=name, parameters=parameters):
                    run = Run("00000000-0000-4000-8000-000000000000", name, RunState.SUCCEEDED, _WHEN, "http://kfp/")
                    observation = replace(observation, run=Known(run), report=Known(_report(parameters)))
                case ApplyServing(key=key, uid=uid, step=step):
                    self.service = knative.manifest(key, uid, step)  # type: ignore[arg-type]
                    seen = knative.observation({**self.service, "status": _service_status(key)})
                    observation = replace(observation, serving=Known(seen))
                case AddFinalizer():
                    observation = replace(observation, subject=replace(subject, finalized=True))
                case _:
                    raise RuntimeError(f"{action} was not expected")
        self.observation = observation


def _report(parameters: Mapping[str, str | int]) -> Report:
    return Report(
        outcome=Outcome.SUCCEEDED,
        key=str(parameters["key"]),
        created=_WHEN,
        code_version="bench",
        algorithm="logisticRegression",
        dataset=DatasetSummary(
            uri=str(parameters["dataset_uri"]),
            digest=str(parameters["dataset_digest"]),
            rows=7043,
            train_rows=5634,
            holdout_rows=1409,
            positive_share=0.265,
            holdout_sha256="e" * 64,
        ),
        metrics={
            "rocAuc": 0.8459,
            "averagePrecision": 0.6551,
            "brier": 0.1356,
            "expectedCalibrationError": 0.0131,
            "logLoss": 0.4151,
            "accuracy": 0.8041,
            "precision": 0.6601,
            "recall": 0.5432,
            "f1": 0.596,
            "liftTopDecile": 2.81,
            "empc": 9.1,
        },
        artifacts=(Artifact(path="model/model.joblib", sha256="a" * 64, size_bytes=20_000),),
    )


def _service_status(key: ObjectKey) -> dict[str, Any]:
    """The status that KServe's controller leaves on a healthy InferenceService in Knative mode."""
    revision = f"{key.name}-predictor-00001"
    url = f"http://{key.name}.{key.namespace}.example.com"
    moment = "2026-01-01T00:00:00Z"
    return {
        "url": url,
        "address": {"url": f"http://{key.name}.{key.namespace}.svc.cluster.local"},
        "components": {
            "predictor": {
                "latestCreatedRevision": revision,
                "latestReadyRevision": revision,
                "latestRolledoutRevision": revision,
                "traffic": [{"latestRevision": True, "percent": 100, "revisionName": revision}],
                "url": url,
            }
        },
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": moment}
            for kind in ("IngressReady", "LatestDeploymentReady", "PredictorReady", "Ready", "RoutesReady")
        ],
        "modelStatus": {
            "copies": {"failedCopies": 0, "totalCopies": 1},
            "states": {"activeModelState": "Loaded", "targetModelState": "Loaded"},
            "transitionStatus": "UpToDate",
        },
    }
