"""spec.rollout: how a version that passed its gate comes into service."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from churn_operator.api.v1alpha1.common import Duration, HttpUrl, LocalObjectReference, SpecPart, between
from churn_operator.api.v1alpha1.rules import rules


class Strategy(StrEnum):
    """Canary by steps, BlueGreen at once after a bake beside the traffic, or Immediate."""

    CANARY = "Canary"
    BLUE_GREEN = "BlueGreen"
    IMMEDIATE = "Immediate"


class Step(SpecPart):
    """One step of a canary."""

    weight: Annotated[int, Field(ge=1, le=100)] = Field(
        description="Percent of traffic for the candidate; with shadow, percent of requests that it gets a copy of."
    )
    bake: Annotated[Duration, between("0s", "168h")] = Field(
        default="5m", description="How long the step lasts once its weight is in effect, e.g. 90s, 10m or 1h30m."
    )
    shadow: bool = Field(
        default=False,
        description="Mirror requests to the candidate and throw its answers away. Driver gateway only. The "
        "check disagreement compares them with the stable version's first.",
    )
    approval: bool = Field(default=False, description="After the bake, wait for the annotation churnops.dev/approve.")


class OnInconclusive(StrEnum):
    """What too few requests lead to."""

    HOLD = "Hold"
    PROMOTE = "Promote"
    ROLLBACK = "Rollback"


BUILT_IN_CHECKS = ("errorRatio", "latencyQuantile", "scoreShift", "disagreement")
"""Names of the checks that need no query."""


class Check(SpecPart):
    """One comparison of live traffic: built in by name, or a PromQL template of your own."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"has(self.query) || self.name in [{', '.join(repr(name) for name in BUILT_IN_CHECKS)}]",
                f"there is no built-in check of this name: use {', '.join(BUILT_IN_CHECKS)}, or give it a query",
            ),
            (
                "!has(self.query) || has(self.minimum) || has(self.maximum)",
                "a check with a query needs minimum or maximum: the value that is still good",
            ),
            (
                "has(self.query) || !has(self.minimum)",
                "a built-in check has no minimum: it fails above its maximum only",
            ),
            (
                "has(self.query) || !has(self.maximum) || self.maximum >= 0.0",
                "the maximum of a built-in check cannot be negative",
            ),
            (
                "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
                "a check's minimum is greater than its maximum: it could never pass",
            ),
        )
    )

    name: Annotated[str, Field(min_length=1, max_length=63)] = Field(
        description=f"Built-in checks are {', '.join(BUILT_IN_CHECKS)}; any other name needs a query."
    )
    query: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        default=None,
        description="PromQL template that gives one number; absent means the built-in check of this name. Variables: "
        "$namespace and $name of the ChurnModel, $stable and $candidate (version numbers), $window (how long the "
        "candidate has had traffic) and $interval, both durations such as 300s.",
    )
    maximum: float | None = Field(
        default=None,
        description="Greatest value that is still good. Built-in checks have defaults: 0.005 more errors a request, "
        "1.5 times the 95th percentile of latency, a population stability index of 0.2, other classes for 0.1 of the "
        "mirrored requests.",
    )
    minimum: float | None = Field(default=None, description="Least value that is still good.")


class Analysis(SpecPart):
    """Checks of live traffic during a canary."""

    prometheus: HttpUrl = Field(description="Address of Prometheus.")
    interval: Annotated[Duration, between("5s", "24h")] = Field(default="1m", description="How often the checks run.")
    min_requests: Annotated[int, Field(ge=1, le=10000000)] = Field(
        default=100, description="Below this many requests a verdict is Inconclusive."
    )
    failure_limit: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="Failed checks that lead to a rollback."
    )
    on_inconclusive: OnInconclusive = Field(default=OnInconclusive.HOLD, description="What too few requests lead to.")
    checks: Annotated[tuple[Check, ...], Field(max_length=20)] = Field(
        default=(),
        description="The comparisons of live traffic to make. Empty means errorRatio, latencyQuantile and scoreShift.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )


class HookType(StrEnum):
    """When a webhook is called (Flagger's names)."""

    CONFIRM_ROLLOUT = "confirm-rollout"
    CONFIRM_TRAFFIC_INCREASE = "confirm-traffic-increase"
    CONFIRM_PROMOTION = "confirm-promotion"
    ROLLBACK = "rollback"
    EVENT = "event"


class Hook(SpecPart):
    """A webhook that may hold or turn a rollout."""

    name: Annotated[str, Field(min_length=1, max_length=63)] = Field(description="Name of the hook.")
    type: HookType = Field(description="When it is called.")
    url: HttpUrl = Field(description="Where it is called.")
    timeout: Annotated[Duration, between("1s", "5m")] = Field(default="10s", description="How long an answer may take.")
    retries: Annotated[int, Field(ge=0, le=10)] = Field(default=2, description="Further tries after a failed one.")
    secret_ref: LocalObjectReference | None = Field(default=None, description="Secret with the HMAC key under key.")


DEFAULT_STEPS = (Step(weight=10), Step(weight=50), Step(weight=100, bake="0s"))


class Rollout(SpecPart):
    """How a version comes into service."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.strategy == 'Canary' || !has(self.steps) || size(self.steps) == 0",
                "steps belong to the strategy Canary: remove them, or set strategy to Canary",
            ),
            (
                "!has(self.analysis) || (has(self.analysis.checks) && size(self.analysis.checks) > 0 && "
                "self.analysis.checks.all(check, has(check.query))) || (self.strategy == 'Canary' && "
                "(!has(self.steps) || size(self.steps) == 0 || "
                "self.steps.exists(step, step.shadow || step.weight < 100)))",
                "built-in checks compare two versions that both have traffic: use the strategy Canary with a step "
                "below 100, or give every check a query",
            ),
            (
                "!has(self.analysis) || !has(self.analysis.checks) || "
                "self.analysis.checks.all(check, check.name != 'disagreement' || has(check.query)) || "
                "(has(self.steps) && self.steps.exists(step, step.shadow))",
                "the check disagreement compares answers to mirrored requests: give steps one with shadow",
            ),
        )
    )

    strategy: Strategy = Field(default=Strategy.CANARY, description="Canary, BlueGreen or Immediate.")
    steps: Annotated[tuple[Step, ...], Field(max_length=20)] = Field(
        default=(),
        description="Steps of a canary, weights ascending. Empty means 10 and 50 percent for 5m each, then 100.",
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            **rules(
                (
                    "self.filter(step, !step.shadow).map(step, step.weight).isSorted()",
                    "weights of steps must ascend, e.g. 10, 50, 100",
                ),
                (
                    "self.all(step, step.shadow || "
                    "self.exists_one(other, !other.shadow && other.weight == step.weight))",
                    "two steps have the same weight: merge them and add up their bake",
                ),
                (
                    "self.map(step, step.shadow ? 0 : 1).isSorted()",
                    "steps with shadow come first: a candidate that answers requests needs no copies of them",
                ),
            ),
        },
    )
    bake: Annotated[Duration, between("0s", "168h")] = Field(
        default="5m",
        description="BlueGreen: how long the candidate stays ready beside the traffic before the switch. BlueGreen and "
        "Immediate: how long it is watched with all of the traffic before it is promoted.",
    )
    progress_deadline: Annotated[Duration, between("5s", "24h")] = Field(
        default="10m", description="How long a candidate may take to become ready before it is rolled back."
    )
    analysis: Analysis | None = Field(default=None, description="Checks of live traffic.")
    hooks: Annotated[tuple[Hook, ...], Field(max_length=20)] = Field(
        default=(),
        description="Webhooks that may hold or turn a rollout.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )

    @property
    def effective_steps(self) -> tuple[Step, ...]:
        """The steps to take, at least one."""
        return self.steps or DEFAULT_STEPS
