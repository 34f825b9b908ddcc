"""spec.training and spec.triggers: how a model is made, and when."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from churn_operator.api.v1alpha1.common import DnsLabel, Duration, HttpUrl, Resources, SpecPart, rules


class Algorithm(StrEnum):
    """The learning algorithm; auto chooses by cross-validation on the training part."""

    AUTO = "auto"
    LOGISTIC_REGRESSION = "logisticRegression"
    HIST_GRADIENT_BOOSTING = "histGradientBoosting"
    RANDOM_FOREST = "randomForest"


class Pipeline(SpecPart):
    """A compiled KFP package of your own that keeps the output contract of the built-in one."""

    uri: Annotated[str, Field(pattern=r"^s3://[^\s/]+/[^\s]+\.ya?ml$", max_length=1024)] = Field(
        description="The compiled package, an S3 object ending in .yaml."
    )


class PipelinesInstallation(SpecPart):
    """The Kubeflow Pipelines installation that executes the runs. Absent fields are the operator's own."""

    endpoint: HttpUrl | None = Field(default=None, description="URL of the KFP API, without /apis.")
    namespace: DnsLabel | None = Field(default=None, description="KFP namespace (profile) of the runs.")
    experiment: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="KFP experiment; the default is the ChurnModel's namespace and name."
    )
    service_account_name: DnsLabel | None = Field(default=None, description="ServiceAccount of the run's pods.")
    token_path: Annotated[str, Field(pattern=r"^/[^\s]*$", max_length=1024)] | None = Field(
        default=None,
        description="A projected ServiceAccount token file for multi-user KFP; read anew when it changes.",
    )


def _scalar(value: Any) -> Any:
    if not isinstance(value, float | int | str | bool):
        raise ValueError(f"must be one number, string or boolean, not {value!r:.80}: give a single value")
    return value


Hyperparameter = Annotated[float | int | str | bool, BeforeValidator(_scalar)]


class Training(SpecPart):
    """How a model is made. Everything but resources, timeout, retries and pipelines is part of the training key."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "duration(self.timeout) >= duration('30s') && duration(self.timeout) <= duration('48h')",
                "timeout must be between 30s and 48h",
            ),
            (
                "!has(self.hyperparameters) || self.algorithm != 'auto'",
                "hyperparameters need an algorithm: auto chooses its own, so name the algorithm or remove them",
            ),
        )
    )

    algorithm: Algorithm = Field(default=Algorithm.AUTO, description="auto, or the algorithm to use.")
    hyperparameters: Annotated[dict[str, Hyperparameter], Field(max_length=50)] = Field(
        default={}, description="Hyperparameters by their scikit-learn name: numbers, strings or booleans."
    )
    seed: Annotated[int, Field(ge=0, le=2147483647)] = Field(default=42, description="Seed of everything random.")
    image: Annotated[str, Field(pattern=r"^[^\s]+$", min_length=1, max_length=512)] | None = Field(
        default=None, description="Trainer image; absent means the one the operator was installed with."
    )
    resources: Resources = Field(default=Resources(), description="Resources of the training step.")
    timeout: Duration = Field(default="2h", description="How long one attempt may take.")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=2, description="Further attempts after a failed one; refused data is never retried."
    )
    pipeline: Pipeline | None = Field(default=None, description="Absent means the built-in pipeline.")
    pipelines: PipelinesInstallation = Field(
        default=PipelinesInstallation(), description="The Kubeflow Pipelines installation to use."
    )


class DatasetChange(SpecPart):
    """Retrain when the dataset's objects change."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("duration(self.pollInterval) >= duration('5s')", "pollInterval must be at least 5s"),
        )
    )

    enabled: bool = Field(default=False, description="Whether new data starts a training.")
    poll_interval: Duration = Field(default="5m", description="How often the dataset is looked at.")


class Schedule(SpecPart):
    """Retrain by the clock."""

    cron: Annotated[str, Field(pattern=r"^(\S+\s+){4}\S+$", max_length=128)] = Field(
        description="Five fields: minute, hour, day of month, month, day of week."
    )
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default="UTC", description="IANA time zone, e.g. Europe/Berlin."
    )


class Triggers(SpecPart):
    """When a model is made anew."""

    spec_change: bool = Field(default=True, description="Train when the training part of spec changes.")
    dataset_change: DatasetChange = Field(default=DatasetChange(), description="Train when the data changes.")
    schedule: Schedule | None = Field(default=None, description="Train by the clock.")
    drift: bool = Field(default=False, description="Train when drift is detected.")
    cooldown: Duration | None = Field(default=None, description="Least time between two trainings.")
    max_runs_per_day: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Most trainings in 24 hours."
    )
