"""What every part of the API shares: the base model, durations, names and CEL rules."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "churnops.dev"
VERSION = "v1alpha1"
KIND = "ChurnModel"
PLURAL = "churnmodels"

METRICS = (
    "rocAuc",
    "averagePrecision",
    "brier",
    "expectedCalibrationError",
    "logLoss",
    "accuracy",
    "precision",
    "recall",
    "f1",
    "liftTopDecile",
    "empc",
)
"""Every metric of report.json that a gate may name."""

DURATION_PATTERN = r"^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$"
DNS_LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
URL_PATTERN = r"^https?://[^\s/]+(/[^\s]*)?$"
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"


class SpecPart(BaseModel):
    """A part of spec: camelCase on the wire, frozen, and strict about unknown fields."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class StatusPart(BaseModel):
    """A part of status: frozen, and lenient so that an older operator reads a newer status."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


Duration = Annotated[str, Field(pattern=DURATION_PATTERN, min_length=2, max_length=20)]
"""A length of time such as `90s`, `10m` or `1h30m`."""

DnsLabel = Annotated[str, Field(pattern=DNS_LABEL_PATTERN, min_length=1, max_length=63)]
HttpUrl = Annotated[str, Field(pattern=URL_PATTERN, max_length=2048)]
Quantity = Annotated[str, Field(pattern=QUANTITY_PATTERN, max_length=32)]


def seconds_of(duration: Duration) -> timedelta:
    """Read a Duration.

    >>> seconds_of("1h30m")
    datetime.timedelta(seconds=5400)
    """
    match = re.fullmatch(DURATION_PATTERN, duration)
    if match is None:
        raise ValueError(f"{duration!r} is not a duration such as 90s, 10m or 1h30m")
    hours, minutes, seconds = (int(part[:-1]) if part else 0 for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules as (rule, message) pairs, as the JSON-schema extension that kube-apiserver reads."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


class ResourceList(SpecPart):
    """Amounts of processor and memory, as Kubernetes quantities."""

    cpu: Quantity | None = Field(default=None, description="Processor, e.g. 500m or 2.")
    memory: Quantity | None = Field(default=None, description="Memory, e.g. 512Mi or 4Gi.")


class Resources(SpecPart):
    """Requests and limits of a container."""

    requests: ResourceList = Field(default=ResourceList(), description="What the container is promised.")
    limits: ResourceList = Field(default=ResourceList(), description="What the container may not exceed.")


class LocalObjectReference(SpecPart):
    """The name of an object in the ChurnModel's own namespace."""

    name: DnsLabel = Field(description="Name of the object.")
