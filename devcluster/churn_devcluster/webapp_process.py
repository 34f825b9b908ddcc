"""The web app as a process beside the devcluster, with an identity of its own, for the demo and for tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from churn_devcluster.cluster import Devcluster
from churn_devcluster.ports import LOOPBACK, free_port
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until

NAMESPACE = "churn-system"
SERVICE_ACCOUNT = "churn-webapp"
_READY_SECONDS = 180
_A_DAY = 24 * 60 * 60
_READER = "churn-webapp"


class WebAppProcess:
    """`python -m churn_webapp` against a devcluster, as a service account that can read and nothing else."""

    def __init__(self, cluster: Devcluster, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are further CHURN_* variables, which go before the defaults made here."""
        self.port = free_port()
        self._cluster = cluster
        self._folder = cluster.work_dir / f"webapp-{self.port}"
        self.log = self._folder / "webapp.log"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CHURN_", "AWS_", "KUBE"))},
            **cluster.object_store.settings.environment,
            "HOME": str(self._folder),
            "CHURN_BIND_ADDRESS": LOOPBACK,
            "CHURN_PORT": str(self.port),
            # Browsers send no Secure cookie to http.
            "CHURN_SECURE_COOKIES": "false",
            "CHURN_API_SERVER": cluster.control_plane.server,
            "CHURN_API_CA_FILE": str(cluster.control_plane.authority_file),
            "CHURN_API_TOKEN_FILE": str(self._folder / "token"),
            "CHURN_S3_ENDPOINT": cluster.object_store.settings.endpoint,
            "CHURN_ARTIFACT_ROOT": f"s3://{cluster.bucket}/churn",
            **(settings or {}),
        }
        self._process = Process("the web app", [sys.executable, "-m", "churn_webapp"], self.log, environment)

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Gives it its identity, starts it, and waits until it is ready.

        Raises:
            DevclusterError: it ended or did not become ready in time.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._cluster.control_plane.create_namespace(NAMESPACE)
        self._cluster.kubectl.apply(reader_role())
        token = self._cluster.control_plane.service_account_token(NAMESPACE, SERVICE_ACCOUNT, seconds=_A_DAY)
        _write_secret(self._folder / "token", token)
        self._process.start()
        wait_until(self._ready, "the web app", _READY_SECONDS, self._process)
        return self

    def stop(self) -> None:
        """SIGTERM, as Kubernetes would send it. Harmless when stopped."""
        self._process.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def person_token(self, namespace: str, name: str, role: str) -> str:
        """A token for a person who has the role (view or edit, as far as ChurnModels go) in the namespace. It is
        valid for a day."""
        self._cluster.control_plane.create_namespace(namespace)
        self._cluster.kubectl.apply(person_access(namespace, name, role))
        return self._cluster.control_plane.service_account_token(namespace, name, seconds=_A_DAY)

    def person_token_file(self, namespace: str, name: str, role: str) -> Path:
        """A file with such a token, which only the user of this machine can read."""
        file = self._folder / f"token-of-{name}"
        _write_secret(file, self.person_token(namespace, name, role))
        return file

    def _ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).status_code == httpx.codes.OK
        return False


def _write_secret(file: Path, token: str) -> None:
    file.touch(mode=0o600)
    file.write_text(token)


def reader_role() -> list[dict[str, Any]]:
    """What the app itself may do: read ChurnModels and their events."""
    rules = [
        {"apiGroups": ["churnops.dev"], "resources": ["churnmodels"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
    ]
    subject = {"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}
    return [_cluster_role(_READER, rules), _binding("ClusterRoleBinding", _READER, None, _READER, subject)]


def person_access(namespace: str, name: str, role: str) -> list[dict[str, Any]]:
    """A person, as a ServiceAccount, and what view or edit of deploy/operator/role_people.yaml means for them."""
    verbs = {"view": ["get", "list", "watch"], "edit": ["get", "list", "watch", "create", "update", "patch", "delete"]}
    cluster_role = f"churnmodels-{role}"
    rules = [{"apiGroups": ["churnops.dev"], "resources": ["churnmodels"], "verbs": verbs[role]}]
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    return [_cluster_role(cluster_role, rules), _binding("RoleBinding", name, namespace, cluster_role, subject)]


def _cluster_role(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def _binding(kind: str, name: str, namespace: str | None, role: str, subject: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }
