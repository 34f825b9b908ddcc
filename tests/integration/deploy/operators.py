"""The operator as a process under a ServiceAccount's token, and what the API server's log says of it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.object_store import S3Settings
from churn_devcluster.ports import LOOPBACK, free_port
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until
from prometheus_client.parser import text_string_to_metric_families

Use = tuple[str, str, str]
"""A verb, an API group and a resource."""

WITHIN_REQUESTS: frozenset[Use] = frozenset(
    {
        ("update", "churnops.dev", "churnmodels/finalizers"),
        ("create", "serving.kserve.io", "inferenceservices"),
        ("create", "gateway.networking.k8s.io", "httproutes"),
    }
)
"""Never a request of its own: an owner reference needs the first where OwnerReferencesPermissionEnforcement is
on, and the first server-side apply of an object, whose verb is patch, the others."""


@dataclass(frozen=True)
class Platform:
    """Where the store and Kubeflow Pipelines are."""

    store: S3Settings
    pipelines: str


class Operator:
    """`python -m churn_operator`, ready, with the settings that a rendered ConfigMap holds."""

    def __init__(
        self, kubeconfig: Path, folder: Path, platform: Platform, settings: dict[str, str], name: str = "operator"
    ) -> None:
        """`settings` go before those that point the operator to what runs here."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.name = name
        environment = {
            **settings,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "HOSTNAME": name,
            "KUBECONFIG": str(kubeconfig),
            "CHURN_S3_ENDPOINT": platform.store.endpoint,
            "CHURN_PIPELINES_ENDPOINT": platform.pipelines,
            "CHURN_PIPELINES_POLL_SECONDS": "1",
            "CHURN_BIND_ADDRESS": LOOPBACK,
            "CHURN_METRICS_PORT": str(self.port),
            "CHURN_HEALTH_PORT": str(self.port),
            **platform.store.environment,
        }
        self.process = Process(name, [sys.executable, "-m", "churn_operator"], folder / f"{name}.log", environment)

    def __enter__(self) -> Self:
        self.process.start()
        try:
            wait_until(lambda: self._answers("readyz"), self.name, 240, self.process)
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(ProcessLookupError):
            self.signal(signal.SIGCONT)
        # Time to hand over the Lease: who is killed keeps it from the next one.
        self.process.stop(seconds=60)

    @property
    def leads(self) -> bool:
        """Whether it says that it runs passes."""
        return self.metric("churn_operator_leading") == 1

    def metric(self, name: str, **labels: str) -> float | None:
        """A sample of its metrics."""
        with suppress(httpx.HTTPError):
            text = httpx.get(f"http://{LOOPBACK}:{self.port}/metrics", trust_env=False, timeout=30).text
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if sample.name == name and sample.labels == labels:
                        return sample.value
        return None

    def signal(self, number: signal.Signals) -> None:
        """To the process and its supervisor."""
        if self.process.pid is not None and self.process.running:
            os.killpg(self.process.pid, number)

    def _answers(self, path: str) -> bool:
        try:
            return httpx.get(f"http://{LOOPBACK}:{self.port}/{path}", trust_env=False, timeout=5).is_success
        except httpx.HTTPError:
            return False


@dataclass(frozen=True)
class Request:
    """A request in the audit log. `credential` tells tokens of one ServiceAccount apart."""

    at: datetime
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    code: int
    credential: str
    uri: str

    @property
    def use(self) -> Use:
        """What a role has to allow for it."""
        return self.verb, self.group, self.resource


def requests_of(cluster: ControlPlane, user: str) -> Iterator[Request]:
    """What the user asked the API server for."""
    complete, _, _ = cluster.audit_log.read_text().rpartition("\n")
    for line in complete.splitlines():
        entry = json.loads(line)
        # A request that was given up before anybody was recognized has no user.
        if entry["user"].get("username") != user:
            continue
        about = entry.get("objectRef") or {}
        yield Request(
            at=datetime.fromisoformat(entry["requestReceivedTimestamp"]),
            verb=entry["verb"],
            group=about.get("apiGroup", ""),
            resource="/".join(filter(None, (about.get("resource"), about.get("subresource")))),
            namespace=about.get("namespace", ""),
            name=about.get("name", ""),
            code=entry.get("responseStatus", {}).get("code", 0),
            credential=entry["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id", [""])[0],
            uri=entry["requestURI"],
        )
