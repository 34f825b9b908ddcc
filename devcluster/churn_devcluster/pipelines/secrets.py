"""Environment variables that a platform spec takes from Secrets (`use_secret_as_env` of kfp-kubernetes)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kubernetes

# (namespace, name) -> decoded data, None where there is no such Secret
ReadSecret = Callable[[str, str], Mapping[str, str] | None]


class MissingSecretError(Exception):
    """A Secret, or a key of it, that a run needs does not exist."""


def executor_environments(
    platform_spec: Mapping[str, Any], parameters: Mapping[str, Any], namespace: str, read: ReadSecret
) -> dict[str, dict[str, str]]:
    """Environment by executor name, from `secretAsEnv` of a kubernetes platform spec.

    Raises:
        MissingSecretError: a Secret or key that is not optional does not exist.
    """
    deployment = platform_spec.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
    return {
        name: _environment(executor, parameters, namespace, read)
        for name, executor in deployment.get("executors", {}).items()
    }


def secret_reader(kubeconfig: Path) -> ReadSecret:
    """Reads Secrets from the API server of a kubeconfig."""

    def read(namespace: str, name: str) -> Mapping[str, str] | None:
        with kubernetes.config.new_client_from_config(str(kubeconfig)) as client:
            try:
                secret = kubernetes.client.CoreV1Api(client).read_namespaced_secret(
                    name, namespace, _request_timeout=(2, 5)
                )
            except kubernetes.client.ApiException as error:
                if error.status == 404:
                    return None
                raise
        return {key: base64.b64decode(value).decode() for key, value in (secret.data or {}).items()}

    return read


def _environment(
    executor: Mapping[str, Any], parameters: Mapping[str, Any], namespace: str, read: ReadSecret
) -> dict[str, str]:
    environment: dict[str, str] = {}
    for source in executor.get("secretAsEnv", ()):
        name = _secret_name(source, parameters)
        data = read(namespace, name)
        optional = bool(source.get("optional"))
        if data is None and not optional:
            raise MissingSecretError(f"Secret {namespace}/{name} does not exist")
        for pair in source.get("keyToEnv", ()):
            if data is not None and pair["secretKey"] in data:
                environment[pair["envVar"]] = data[pair["secretKey"]]
            elif not optional:
                raise MissingSecretError(f"Secret {namespace}/{name} has no key {pair['secretKey']}")
    return environment


def _secret_name(source: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    parameter = source.get("secretNameParameter", {})
    if "runtimeValue" in parameter:
        return str(parameter["runtimeValue"]["constant"])
    if "componentInputParameter" in parameter:
        return str(parameters[parameter["componentInputParameter"]])
    return str(source["secretName"])
