"""The reference of all settings, from the programs that read them. What a setting means stands here; its name, kind
and default come from the code, and a setting without a meaning, or a meaning without a setting, ends in an error."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from churn_operator.settings import Settings as OperatorSettings
from churn_serving.settings import argument_parser
from churn_webapp.settings import Settings as WebAppSettings

from documentation.markdown import GENERATED, code, plain, table

INTRODUCTION = """# Settings

The operator and the web app read environment variables. In a cluster they stand in the ConfigMap
`churn-operator-settings`, which both share; the chart makes it of `settings.*`
(`deploy/helm/churn-operator/README.md` has all values). What cannot be read ends the program with a sentence that names
the variable.

S3 credentials are not settings: both take `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, where needed, `AWS_REGION`
from the Secret `churn-artifacts`.

"""

OPERATOR = {
    "artifact_root": "Where models, reports and plots are stored. The first segment is the bucket.",
    "s3_endpoint": "The S3 endpoint as a URL, such as `http://minio.minio:9000`; empty: AWS.",
    "pipelines_endpoint": "The API of Kubeflow Pipelines as a URL, without `/apis`.",
    "pipelines_namespace": "The namespace that training runs are in.",
    "pipelines_ui": "Address of Kubeflow Pipelines in a browser, for `status.training.runUrl`; empty: the endpoint.",
    "pipelines_token_path": "A projected ServiceAccount token for a multi-user Kubeflow Pipelines, also when renewed.",
    "pipelines_secret": "The Secret with the S3 credentials of the training steps, in the namespace of the runs.",
    "pipelines_poll_seconds": "Seconds between two listings of the runs under way; one listing a namespace, not a run.",
    "trainer_image": "Image of the training steps where `training.image` names none.",
    "runtime": "The ServingRuntime or ClusterServingRuntime where `serving.runtime` names none.",
    "traffic_driver": "`auto`, `knative`, `gateway` or `canary`, where `serving.trafficDriver` is `auto`.",
    "service_url_prefix": "With `gateway`: what `status.url` begins with; empty: the address of the Gateway.",
    "gateway_name": "The Gateway that HTTPRoutes of models attach to.",
    "gateway_namespace": "Its namespace.",
    "cloudevents_sink": "URL that CloudEvents are posted to; empty: none are.",
    "cloudevents_source": "The source that they name.",
    "namespaces": "Namespaces that are watched, separated by commas; empty: all.",
    "leader_election": "Whether a Lease decides which of several replicas works.",
    "lease_namespace": "Namespace of the Lease; needed with leader election.",
    "lease_name": "Name of the Lease.",
    "lease_duration_seconds": "How long a Lease that is not renewed stays its holder's.",
    "lease_renew_seconds": "How long the holder tries to renew it before it gives up; less than the duration.",
    "lease_retry_seconds": "Seconds between two tries.",
    "workers": "Passes at once.",
    "observe_deadline_seconds": "Longest that a pass looks at the world; what is not seen by then is Unknown.",
    "cleanup_deadline_seconds": "Longest that a deletion waits for what cannot be reached.",
    "resync_seconds": "How often a ChurnModel at rest is looked at, give or take half of that.",
    "metrics_port": "Port of `/metrics`.",
    "health_port": "Port of `/healthz` and `/readyz`; it may be the same.",
    "bind_address": "Address of both.",
    "log_format": "`json`, or `text` for a person.",
    "log_level": "The least that is logged: `debug`, `info`, `warning` or `error`.",
}
"""What each setting of the operator means."""

WEB_APP = {
    "bind_address": "Address to listen on.",
    "port": "Port to listen on.",
    "threads": "Requests at once.",
    "secret_key": "Signs sessions; empty: made at the start, so that sessions end with the process.",
    "secure_cookies": "Whether cookies go over https only. Off only where people come by plain http.",
    "session_minutes": "How long a login lasts.",
    "trusted_proxies": "How many proxies in front set `X-Forwarded-*`.",
    "token_header": "Header in which an authenticating proxy forwards the person's bearer token. Only where every "
    "request comes through that proxy.",
    "login_required": "Whether also reading and predicting ask for a login, and for the right to get the ChurnModel.",
    "api_server": "URL of the API server; empty: the cluster that the app runs in.",
    "api_ca_file": "Its certificate authority.",
    "api_token_file": "The app's own token, with which it reads ChurnModels.",
    "namespaces": "Namespaces whose ChurnModels are shown, separated by commas; empty: all.",
    "default_model": "The ChurnModel that `POST /predict` asks, as namespace/name; needed where there are several.",
    "model_gateway": "Base URL that every model is reached through, with the host of `status.url` in the Host header; "
    "empty: `status.url` itself.",
    "model_timeout_seconds": "How long a model has to answer.",
    "s3_endpoint": "As the operator's.",
    "artifact_root": "As the operator's. Only below it are reports and contracts read.",
    "max_upload_bytes": "Largest file that is taken.",
    "max_rows": "Most customers in a file.",
    "batch_rows": "Customers in one request to the model, whose server takes 1000 at most.",
}
"""What each setting of the web app means."""

MODEL_SERVER = {
    "CHURN_MODEL_SHA256": "Required: digest of model.joblib. Another file is refused unread. The operator sets it.",
    "CHURN_MODEL_ALLOW_UNVERIFIED": "`1` loads a file without a digest; for folders you trust.",
    "CHURN_MODEL_VERSION": "Required: answered in every body and header. The operator sets it.",
    "CHURN_COMPARE_WITH": "URL of the model server that mirrored requests are compared with.",
    "CHURN_COMPARE_WITH_VERSION": "Its version.",
}
"""Variables of the model server, which argparse does not know."""


def page() -> str:
    """The whole page. Raises ValueError where the meanings above are not those of the settings."""
    operator = _of_dataclass(OperatorSettings, OPERATOR)
    web_app = _of_dataclass(WebAppSettings, WEB_APP)
    variables = table(("Variable", "Meaning"), [(code(name), told) for name, told in MODEL_SERVER.items()])
    return (
        f"{GENERATED}{INTRODUCTION}## Operator\n\n{operator}\n## Web app\n\n{web_app}\n"
        "## Model server\n\nArguments of the container in the ServingRuntime.\n\n"
        f"{_arguments(argument_parser())}\n{variables}"
    )


def _of_dataclass(settings: Any, meanings: Mapping[str, str]) -> str:
    described = {field.name: field for field in fields(settings)}
    if differing := described.keys() ^ meanings.keys():
        raise ValueError(
            f"{settings.__module__} and documentation/settings.py differ in {', '.join(sorted(differing))}"
        )
    rows = [
        (code(f"CHURN_{name.upper()}"), code(_shown(described[name])), _kind(described[name]), told)
        for name, told in meanings.items()
    ]
    return table(("Variable", "Default", "Kind", "Meaning"), rows)


def _shown(field: Field[Any]) -> str:
    default = field.default
    assert default is not MISSING
    return str(default).lower() if isinstance(default, bool) else str(default)


def _kind(field: Field[Any]) -> str:
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}[str(field.type)]


def _arguments(parser: argparse.ArgumentParser) -> str:
    # argparse has no public list of its arguments.
    rows = [
        (code(action.option_strings[0]), code(str(action.default)), plain(action.help or ""))
        for action in parser._actions
        if action.dest != "help"
    ]
    return table(("Argument", "Default", "Meaning"), rows)
