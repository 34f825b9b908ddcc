"""What the web app is installed with, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Settings:
    """Every setting; the environment variable is `CHURN_` and the field's name in capitals."""

    bind_address: str = "0.0.0.0"
    port: int = 8080
    threads: int = 16
    secret_key: str = field(default="", repr=False)
    """Signs sessions; the same in every replica. Empty: made at the start, so that sessions end with the process."""
    secure_cookies: bool = True
    """Off only where people come by plain http."""
    session_minutes: int = 480
    trusted_proxies: int = 0
    """How many proxies in front set X-Forwarded-*."""
    token_header: str = ""
    """Header in which an authenticating proxy forwards the person's bearer token, such as X-Forwarded-Access-Token.
    Set it only where every request comes through that proxy."""
    login_required: bool = False
    """Whether also reading and predicting ask for a login, and for `get` on the ChurnModel."""
    api_server: str = ""
    """URL of the API server; empty: the cluster that the app runs in."""
    api_ca_file: str = f"{_SERVICE_ACCOUNT}/ca.crt"
    api_token_file: str = f"{_SERVICE_ACCOUNT}/token"
    namespaces: str = ""
    """Namespaces whose ChurnModels are shown, separated by commas; empty: all."""
    default_model: str = ""
    """The ChurnModel that `POST /predict` asks, as namespace/name; needed only where there are several."""
    model_gateway: str = ""
    """Base URL that every model is reached through, with the host of status.url in the Host header; empty: status.url
    itself."""
    model_timeout_seconds: float = 10.0
    s3_endpoint: str = ""
    artifact_root: str = "s3://mlops/churn"
    """Only below this are reports and contracts read."""
    max_upload_bytes: int = 16 * 1024 * 1024
    max_rows: int = 50_000
    batch_rows: int = 500
    """Customers in one request to the model; its server takes 1000 at most."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the environment. Raises ValueError naming the variable that cannot be read."""
        values: dict[str, object] = {}
        for setting in fields(cls):
            variable = f"CHURN_{setting.name.upper()}"
            if variable in environment:
                values[setting.name] = _read(variable, environment[variable], setting.default)
        if not values.get("api_server") and environment.get("KUBERNETES_SERVICE_HOST"):
            host, port = environment["KUBERNETES_SERVICE_HOST"], environment.get("KUBERNETES_SERVICE_PORT", "443")
            values["api_server"] = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        return cls(**values)  # type: ignore[arg-type]

    @property
    def namespace_names(self) -> tuple[str, ...]:
        """The namespaces to look into; empty for all."""
        return tuple(name.strip() for name in self.namespaces.split(",") if name.strip())


def _read(variable: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() not in _TRUTH:
            raise ValueError(f"{variable}={text!r} is neither true nor false")
        return _TRUTH[text.lower()]
    kind: type = type(default)
    try:
        return kind(text)
    except ValueError as error:
        raise ValueError(f"{variable}={text!r} is not a {kind.__name__}") from error
