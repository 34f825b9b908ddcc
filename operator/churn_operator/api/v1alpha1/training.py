"""spec.training and spec.triggers: how a model is made, and when."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from churn_operator.api.v1alpha1.common import DnsLabel, DnsSubdomain, Duration, HttpUrl, Resources, SpecPart, between
from churn_operator.api.v1alpha1.rules import Matches, Rule, rules


class Algorithm(StrEnum):
    """The learning algorithm; auto chooses by cross-validation on the training part."""

    AUTO = "auto"
    LOGISTIC_REGRESSION = "logisticRegression"
    HIST_GRADIENT_BOOSTING = "histGradientBoosting"
    RANDOM_FOREST = "randomForest"


PackageUri = Annotated[
    str,
    Matches(
        r"^s3://[^\s/]+/[^\s]+\.ya?ml$",
        "must be a compiled KFP package in S3, e.g. s3://mlops-data/pipelines/churn.yaml",
    ),
    Field(max_length=1024),
]
ImageReference = Annotated[
    str,
    Matches(
        r"^[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]+)?(/[A-Za-z0-9._-]+)*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$",
        "must be a container image such as ghcr.io/team/churn-trainer:1.4, without http:// and blanks",
    ),
    Field(min_length=1, max_length=512),
]
TokenPath = Annotated[
    str,
    Matches(r"^/[^\s]*$", "must be an absolute path such as /var/run/secrets/kubeflow/pipelines/token"),
    Field(max_length=1024),
]
PipelinesUrl = Annotated[
    HttpUrl,
    Rule("!self.contains('/apis')", "must end before /apis, which the client of Kubeflow Pipelines adds itself"),
]
Cron = Annotated[
    str,
    Matches(
        r"^(\S+\s+){4}\S+$", "must have five fields (minute, hour, day of month, month, day of week), e.g. 0 3 * * 1"
    ),
    Field(max_length=128),
]
TimeZone = Annotated[
    str,
    Matches(r"^[A-Za-z][A-Za-z0-9_+/-]*$", "must be an IANA time zone such as UTC or Europe/Berlin"),
    Field(max_length=64),
]


class Pipeline(SpecPart):
    """A compiled KFP package of your own that keeps the output contract of the built-in one."""

    uri: PackageUri = Field(
        description="The compiled package, an S3 object ending in .yaml, read with the endpoint and the Secret of the "
        "dataset. It is looked at every triggers.datasetChange.pollInterval, and another content trains again."
    )


class PipelinesInstallation(SpecPart):
    """The Kubeflow Pipelines installation that executes the runs. Absent fields are the operator's own."""

    endpoint: PipelinesUrl | None = Field(default=None, description="URL of the KFP API, without /apis.")
    namespace: DnsLabel | None = Field(default=None, description="KFP namespace (profile) of the runs.")
    experiment: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None, description="KFP experiment; the default is the ChurnModel's namespace and name."
    )
    service_account_name: DnsSubdomain | None = Field(default=None, description="ServiceAccount of the run's pods.")
    token_path: TokenPath | None = Field(
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
                "!has(self.hyperparameters) || self.algorithm != 'auto' || has(self.pipeline)",
                "hyperparameters need an algorithm: auto chooses its own, so name the algorithm or remove them",
            ),
        )
    )

    algorithm: Algorithm = Field(default=Algorithm.AUTO, description="auto, or the algorithm to use.")
    hyperparameters: Annotated[dict[str, Hyperparameter], Field(max_length=50)] = Field(
        default={}, description="Hyperparameters by their scikit-learn name: numbers, strings or booleans."
    )
    seed: Annotated[int, Field(ge=0, le=2147483647)] = Field(default=42, description="Seed of everything random.")
    image: ImageReference | None = Field(
        default=None,
        description="Image of every step; absent means the one the operator was installed with, or, with a pipeline of "
        "your own, the images that its package names.",
    )
    resources: Resources = Field(default=Resources(), description="Resources of the step named train.")
    timeout: Annotated[Duration, between("30s", "48h")] = Field(
        default="2h", description="How long one attempt may take, e.g. 45m or 2h."
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=2, description="Further attempts after a failed one; refused data is never retried."
    )
    pipeline: Pipeline | None = Field(default=None, description="Absent means the built-in pipeline.")
    pipelines: PipelinesInstallation = Field(
        default=PipelinesInstallation(), description="The Kubeflow Pipelines installation to use."
    )


class DatasetChange(SpecPart):
    """Retrain when the dataset's objects change."""

    enabled: bool = Field(default=False, description="Whether new data starts a training.")
    poll_interval: Annotated[Duration, between("5s", "24h")] = Field(
        default="5m",
        description="How often the dataset is looked at, and always the package of training.pipeline; e.g. 30s or 5m.",
    )


class Schedule(SpecPart):
    """Retrain by the clock."""

    cron: Cron = Field(description="Five fields: minute, hour, day of month, month, day of week.")
    time_zone: TimeZone = Field(default="UTC", description="IANA time zone, e.g. Europe/Berlin.")


class Triggers(SpecPart):
    """When a model is made anew."""

    spec_change: bool = Field(default=True, description="Train when the training part of spec changes.")
    dataset_change: DatasetChange = Field(default=DatasetChange(), description="Train when the data changes.")
    schedule: Schedule | None = Field(default=None, description="Train by the clock.")
    drift: bool = Field(default=False, description="Train when drift is detected.")
    cooldown: Annotated[Duration, between("0s", "720h")] | None = Field(
        default=None, description="Least time between two trainings."
    )
    max_runs_per_day: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Most trainings in 24 hours."
    )
