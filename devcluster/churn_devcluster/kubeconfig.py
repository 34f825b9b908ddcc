"""Kubeconfig files for the devcluster's API server."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import yaml

from churn_devcluster.certificates import KeyPair


@dataclass(frozen=True)
class Token:
    """A bearer token, such as a ServiceAccount's."""

    value: str


def write_kubeconfig(
    path: Path,
    server: str,
    authority: bytes,
    user: str,
    credential: KeyPair | Token,
    namespace: str = "default",
) -> Path:
    """Writes (atomically, readable by its owner only) a kubeconfig with one context; returns `path`."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "churn-devcluster",
                "cluster": {"server": server, "certificate-authority-data": _encode(authority)},
            }
        ],
        "users": [{"name": user, "user": _user(credential)}],
        "contexts": [
            {
                "name": "churn-devcluster",
                "context": {"cluster": "churn-devcluster", "user": user, "namespace": namespace},
            }
        ],
        "current-context": "churn-devcluster",
    }
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(yaml.safe_dump(document, sort_keys=False))
    return partial.replace(path)


def _user(credential: KeyPair | Token) -> dict[str, str]:
    match credential:
        case KeyPair(certificate, key):
            return {"client-certificate-data": _encode(certificate), "client-key-data": _encode(key)}
        case Token(value):
            return {"token": value}


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()
