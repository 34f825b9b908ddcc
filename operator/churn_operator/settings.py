"""What the operator is installed with, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta


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
    workers: int = 16
    observe_deadline_seconds: float = 20.0
    cleanup_deadline_seconds: float = 60.0
    resync_seconds: float = 600.0
    metrics_port: int = 8080
    health_port: int = 8081
    bind_address: str = "0.0.0.0"
    log_format: str = "json"
    log_level: str = "info"

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
                values[setting.name] = kind(environment[variable])
            except ValueError as error:
                raise ValueError(f"{variable}={environment[variable]!r} is not a {kind.__name__}") from error
        return cls(**values)  # type: ignore[arg-type]
