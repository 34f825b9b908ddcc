"""spec.serving: the InferenceService that answers for the model."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from churn_operator.api.v1alpha1.common import DnsSubdomain, Resources, SpecPart
from churn_operator.api.v1alpha1.rules import rules


class TrafficDriver(StrEnum):
    """How traffic is split: Knative revisions, Gateway API routes, or KServe's own spec.canary."""

    AUTO = "auto"
    KNATIVE = "knative"
    GATEWAY = "gateway"
    CANARY = "canary"


class Serving(SpecPart):
    """How the model is served."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.maxReplicas) || self.maxReplicas >= self.minReplicas",
                "maxReplicas must be at least minReplicas (1 unless given): raise maxReplicas or lower minReplicas",
            ),
        )
    )

    service_account_name: DnsSubdomain | None = Field(
        default=None, description="ServiceAccount whose secrets open the artifact store to KServe."
    )
    runtime: DnsSubdomain | None = Field(
        default=None, description="ServingRuntime or ClusterServingRuntime; absent means churn-serving."
    )
    min_replicas: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1, description="Least number of predictor pods; 0 scales to zero."
    )
    max_replicas: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Most predictor pods; absent leaves it to KServe."
    )
    resources: Resources = Field(default=Resources(), description="Resources of the predictor.")
    traffic_driver: TrafficDriver = Field(
        default=TrafficDriver.AUTO,
        description="How traffic is split between versions: knative by revisions and canaryTrafficPercent, gateway by "
        "an InferenceService a version and a Gateway API HTTPRoute, canary by KServe's own spec.canary. auto follows "
        "KServe's default deployment mode: Knative, or Gateway API in Standard mode, or the one of them that is "
        "installed; canary is its last choice, where neither is and KServe has the field. It cannot be changed later.",
    )
