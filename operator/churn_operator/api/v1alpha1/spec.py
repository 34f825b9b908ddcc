"""spec: what a team wishes of its churn model."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from churn_operator.api.v1alpha1.availability import NOT_YET_AVAILABLE
from churn_operator.api.v1alpha1.common import SpecPart
from churn_operator.api.v1alpha1.dataset import Dataset
from churn_operator.api.v1alpha1.drift import Drift
from churn_operator.api.v1alpha1.evaluation import Evaluation
from churn_operator.api.v1alpha1.rollout import Rollout
from churn_operator.api.v1alpha1.rules import rules
from churn_operator.api.v1alpha1.serving import Serving
from churn_operator.api.v1alpha1.training import Training, Triggers


class DeletionPolicy(StrEnum):
    """What becomes of runs and artifacts when the ChurnModel is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class History(SpecPart):
    """How much of the past is kept."""

    limit: Annotated[int, Field(ge=2, le=100)] = Field(
        default=10, description="Versions kept in status; those in service are never dropped."
    )


class ChurnModelSpec(SpecPart):
    """What a team wishes of its churn model."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.serving.trafficDriver == oldSelf.serving.trafficDriver",
                "serving.trafficDriver cannot be changed, since the split of live traffic would be lost: "
                "put the old value back, or make a new ChurnModel with another name",
            ),
            (
                "self.serving.trafficDriver == 'gateway' || !has(self.rollout.steps) "
                "|| self.rollout.steps.all(step, !step.shadow)",
                "shadow in rollout.steps needs serving.trafficDriver: gateway, since no other driver mirrors requests",
            ),
            *NOT_YET_AVAILABLE,
        )
    )

    dataset: Dataset = Field(description="The customers to learn from.")
    training: Training = Field(default=Training(), description="How a model is made.")
    triggers: Triggers = Field(default=Triggers(), description="When a model is made anew.")
    evaluation: Evaluation = Field(default=Evaluation(), description="What a model must show before it may serve.")
    serving: Serving = Field(default=Serving(), description="How the model is served.")
    rollout: Rollout = Field(default=Rollout(), description="How a version comes into service.")
    drift: Drift | None = Field(default=None, description="When live customers differ from those learned from.")
    history: History = Field(default=History(), description="How much of the past is kept.")
    rollback_to: Annotated[int, Field(ge=1, le=1000000)] | None = Field(
        default=None, description="Pin this version: served at once and until the field is removed."
    )
    suspend: bool = Field(default=False, description="Stop acting; what serves goes on serving.")
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN, description="Delete or retain runs and artifacts with the ChurnModel."
    )
