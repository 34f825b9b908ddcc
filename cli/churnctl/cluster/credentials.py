"""What a kubeconfig's user authenticates with, made ready for pykube: exec plugins, token files, and keys in private
files.

pykube runs exec plugins of the v1alpha1 and v1beta1 protocol only, once a request, and leaves keys of the kubeconfig
readable in /tmp; so both are done here.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churnctl.errors import ForbiddenError, InputError

_PROTOCOL = "client.authentication.k8s.io"
_EXEC_SECONDS = 120
_DATA_FIELDS = ("certificate-authority", "client-certificate", "client-key")


def with_credentials(user: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    """The user's settings, with a token or files in place of what has to be fetched.

    Raises:
        ForbiddenError: the exec plugin failed or gave nothing.
        InputError: the plugin or the token file is not there.
    """
    ready = dict(user)
    if ready.get("tokenFile"):
        # client-go prefers the file to `token`, since it is what gets refreshed.
        ready["token"] = _read_token(Path(ready.pop("tokenFile")))
    if "exec" in ready and not ready.get("token"):
        ready |= _from_plugin(ready.pop("exec"), cluster)
    return in_files(ready)


def in_files(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with certificates and keys as files that only this user can read, removed at exit.

    Raises:
        InputError: one is no base64, or a file that is not there.
    """
    ready = dict(settings)
    for field in _DATA_FIELDS:
        data = ready.pop(f"{field}-data", None)
        if data:
            ready[field] = _private_file(_decoded(field, data))
        if ready.get(field) and not Path(ready[field]).is_file():
            raise InputError(f"The kubeconfig names {ready[field]} as {field}, and there is no such file.")
    return ready


def _decoded(field: str, data: Any) -> bytes:
    try:
        return base64.b64decode("".join(str(data).split()), validate=True)
    except ValueError as error:
        raise InputError(f"{field}-data of the kubeconfig is no base64: {error}.") from error


def _private_file(content: bytes) -> str:
    # mkstemp makes files of mode 0600.
    number, name = tempfile.mkstemp(prefix="churnctl-")
    with os.fdopen(number, "wb") as file:
        file.write(content)
    atexit.register(Path(name).unlink, missing_ok=True)
    return name


def _read_token(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"The token file {file} cannot be read: {error.strerror}.") from error


def _from_plugin(plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    """https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins"""
    if not isinstance(plugin, Mapping) or not plugin.get("command"):
        raise InputError("The kubeconfig logs in with exec and names no command.")
    command = [str(plugin["command"]), *map(str, plugin.get("args") or [])]
    asked_for = plugin.get("apiVersion") or f"{_PROTOCOL}/v1"
    spec: dict[str, Any] = {"interactive": os.isatty(0) and plugin.get("interactiveMode") != "Never"}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {key: value for key, value in cluster.items() if key != "extensions"}
    question = {"apiVersion": asked_for, "kind": "ExecCredential", "spec": spec}
    environment = {**os.environ, "KUBERNETES_EXEC_INFO": json.dumps(question)}
    environment |= {each["name"]: each["value"] for each in plugin.get("env") or []}
    try:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, timeout=_EXEC_SECONDS, check=True
        )
        status = json.loads(done.stdout).get("status") or {}
    except FileNotFoundError as error:
        hint = plugin.get("installHint") or "install it"
        raise InputError(f"The kubeconfig logs in with {command[0]}, which is not on this machine: {hint}.") from error
    except (subprocess.SubprocessError, ValueError, OSError) as error:
        raise ForbiddenError(f"{command[0]}, with which the kubeconfig logs in, failed: {error}.") from error
    return _of_status(status, command[0])


def _of_status(status: Mapping[str, Any], command: str) -> dict[str, Any]:
    ready: dict[str, Any] = {}
    if status.get("token"):
        ready["token"] = status["token"]
    if status.get("clientCertificateData") and status.get("clientKeyData"):
        ready["client-certificate"] = _private_file(status["clientCertificateData"].encode())
        ready["client-key"] = _private_file(status["clientKeyData"].encode())
    if not ready:
        raise ForbiddenError(f"{command}, with which the kubeconfig logs in, gave neither a token nor a certificate.")
    return ready
