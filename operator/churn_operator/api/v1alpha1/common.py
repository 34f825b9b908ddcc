"""What every part of the API shares: the base models, durations, names and quantities."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from churn_operator.api.v1alpha1.rules import EXTENSION, Matches, Rule, rules

__all__ = [
    "DNS_LABEL_PATTERN",
    "GROUP",
    "KIND",
    "METRICS",
    "PLURAL",
    "VERSION",
    "DnsLabel",
    "DnsSubdomain",
    "Duration",
    "HttpUrl",
    "LocalObjectReference",
    "Quantity",
    "ResourceList",
    "Resources",
    "SpecPart",
    "StatusPart",
    "between",
    "rules",
    "seconds_of",
]

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
DNS_SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
URL_PATTERN = r"^https?://[^\s/]+(/[^\s]*)?$"
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"

_DURATION_MESSAGE = "must be a length of time in h, m and s such as 90s, 10m or 1h30m (a day is 24h)"
_QUANTITY_MESSAGE = "must be an amount such as 2, 500m, 512Mi or 4Gi (not 4GB)"


class SpecPart(BaseModel):
    """A part of spec: camelCase on the wire, frozen, and strict about unknown fields."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


class StatusPart(BaseModel):
    """A part of status: frozen, and lenient so that an older operator reads a newer status."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


Duration = Annotated[str, Matches(DURATION_PATTERN, _DURATION_MESSAGE), Field(min_length=2, max_length=20)]
"""A length of time such as `90s`, `10m` or `1h30m`."""

DnsLabel = Annotated[
    str,
    Matches(DNS_LABEL_PATTERN, "must be a name of lower case letters, digits and dashes"),
    Field(min_length=1, max_length=63),
]
DnsSubdomain = Annotated[
    str,
    Matches(DNS_SUBDOMAIN_PATTERN, "must be the name of an object: lower case letters, digits, dashes and dots"),
    Field(min_length=1, max_length=253),
]
HttpUrl = Annotated[
    str,
    Matches(URL_PATTERN, "must be an address that starts with http:// or https://, e.g. http://minio.kubeflow:9000"),
    Field(max_length=2048),
]


def _quantity_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    Matches(QUANTITY_PATTERN, _QUANTITY_MESSAGE),
    BeforeValidator(_quantity_text),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
            EXTENSION: [{"rule": f"string(self).matches(r'{QUANTITY_PATTERN}')", "message": _QUANTITY_MESSAGE}],
        }
    ),
]
"""An amount as Kubernetes writes it; on the wire a whole number may stand without quotes."""


def between(least: str, most: str) -> Rule:
    """A bound on a Duration; one that is no duration is left to the Duration's own rule."""
    return Rule(
        rule=f"!self.matches(r'{DURATION_PATTERN}') || size(self) == 0 "
        f"|| (duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))",
        message=f"must be at least {least} and at most {most}",
    )


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


class ResourceList(SpecPart):
    """Amounts of processor and memory, as Kubernetes quantities."""

    cpu: Quantity | None = Field(default=None, description="Processors, e.g. 500m (half of one) or 2.")
    memory: Quantity | None = Field(default=None, description="Memory, e.g. 512Mi or 4Gi.")


def _within_limit(resource: str) -> tuple[str, str]:
    asked, limit = f"self.requests.{resource}", f"self.limits.{resource}"
    both = " && ".join(f"has({amount}) && isQuantity(string({amount}))" for amount in (asked, limit))
    compared = f"quantity(string({asked})).compareTo(quantity(string({limit}))) <= 0"
    message = f"requests.{resource} is greater than limits.{resource}: lower the request or raise the limit"
    return f"!({both}) || {compared}", message


class Resources(SpecPart):
    """Requests and limits of a container."""

    model_config = ConfigDict(json_schema_extra=rules(_within_limit("cpu"), _within_limit("memory")))

    requests: ResourceList = Field(default=ResourceList(), description="What the container is promised.")
    limits: ResourceList = Field(default=ResourceList(), description="What the container may not exceed.")


class LocalObjectReference(SpecPart):
    """The name of an object in the ChurnModel's own namespace."""

    name: DnsSubdomain = Field(description="Name of the object, in the ChurnModel's namespace.")
