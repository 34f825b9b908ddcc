"""What the operator is installed with, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from churn_operator.core.lease import LeaseTimes


@dataclass(frozen=True)
class Settings:
    """Every setting; the environment variable is `CHURN_` and the field's name in capitals."""

    artifact_root: str = "s3://mlops/churn"
    s3_endpoint: str = ""
    pipelines_endpoint: str = "http://ml-pipeline.kubeflow.svc:8888"
    pipelines_namespace: str = "kubeflow"
    pipelines_ui: str = ""
    pipelines_token_path: str = ""
    pipelines_secret: str = "churn-artifacts"
    pipelines_poll_seconds: float = 5.0
    trainer_image: str = "ghcr.io/churnops/churn-trainer:0.1.0"
    runtime: str = "churn-serving"
    traffic_driver: str = "auto"
    service_url_prefix: str = ""
    gateway_name: str = "kserve-ingress-gateway"
    gateway_namespace: str = "kserve"
    cloudevents_sink: str = ""
    cloudevents_source: str = "/churnops.dev/churnmodel-operator"
    namespaces: str = ""
    leader_election: bool = False
    lease_namespace: str = ""
    lease_name: str = "churn-operator"
    lease_duration_seconds: float = 15.0
    lease_renew_seconds: float = 10.0
    lease_retry_seconds: float = 2.0
    workers: int = 16
    observe_deadline_seconds: float = 20.0
    cleanup_deadline_seconds: float = 60.0
    resync_seconds: float = 600.0
    metrics_port: int = 8080
    health_port: int = 8081
    bind_address: str = "0.0.0.0"
    log_format: str = "json"
    log_level: str = "info"

    def __post_init__(self) -> None:
        if self.leader_election and not self.lease_namespace:
            raise ValueError("CHURN_LEADER_ELECTION needs CHURN_LEASE_NAMESPACE, the namespace that the Lease is in")
        _ = self.lease_times

    @property
    def lease_times(self) -> LeaseTimes:
        """When a Lease is taken, renewed and given up. Raises ValueError where they do not follow one another."""
        return LeaseTimes(
            duration=timedelta(seconds=self.lease_duration_seconds),
            renew=timedelta(seconds=self.lease_renew_seconds),
            retry=timedelta(seconds=self.lease_retry_seconds),
        )

    @property
    def watched(self) -> tuple[str, ...]:
        """The namespaces that are watched; none means all."""
        return tuple(name for each in self.namespaces.split(",") if (name := each.strip()))

    @property
    def cleanup_deadline(self) -> timedelta:
        """How long a deletion waits for what cannot be reached."""
        return timedelta(seconds=self.cleanup_deadline_seconds)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the environment. Raises ValueError naming the variable that cannot be read."""
        values: dict[str, object] = {}
        for setting in fields(cls):
            variable = f"CHURN_{setting.name.upper()}"
            if variable not in environment:
                continue
            kind: type = type(setting.default)
            try:
                values[setting.name] = _read(kind, environment[variable])
            except ValueError as error:
                raise ValueError(f"{variable}={environment[variable]!r} is not a {kind.__name__}") from error
        return cls(**values)  # type: ignore[arg-type]


def _read(kind: type, text: str) -> object:
    return _truth(text) if kind is bool else kind(text)


def _truth(text: str) -> bool:
    match text.lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            raise ValueError(text)
