"""The operator as a process beside the devcluster, for the demo and for tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from churn_devcluster.access import SECRET_NAME
from churn_devcluster.cluster import PIPELINES_NAMESPACE, Devcluster
from churn_devcluster.ports import LOOPBACK, free_port
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until

_READY_SECONDS = 180
_TARGET_LABELS = {"job": "churn-operator", "namespace": "churn-system"}


class OperatorProcess:
    """`python -m churn_operator` against a devcluster. It can be killed and started again at any moment."""

    def __init__(self, cluster: Devcluster, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are further CHURN_* variables, which go before the defaults made here."""
        self.port = free_port()
        self._prometheus = cluster.prometheus
        self.log = cluster.work_dir / "operator" / "operator.log"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CHURN_", "AWS_"))},
            **cluster.environment(),
            **_settings(cluster, self.log.parent, self.port),
            **(settings or {}),
        }
        self._process = Process("the operator", [sys.executable, "-m", "churn_operator"], self.log, environment)

    @property
    def metrics_url(self) -> str:
        """Prometheus metrics of the operator itself."""
        return f"http://{LOOPBACK}:{self.port}/metrics"

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process.running

    def start(self, wait: bool = True) -> Self:
        """Starts it, has Prometheus scrape it as in a cluster, and waits until it is ready unless told not to.

        Raises:
            DevclusterError: it ended or did not become ready in time.
        """
        self._process.start()
        self._prometheus.scrape(f"operator-{self.port}", f"{LOOPBACK}:{self.port}", _TARGET_LABELS)
        if wait:
            wait_until(self._ready, "the operator", _READY_SECONDS, self._process)
        return self

    def stop(self) -> None:
        """SIGTERM, as a rollout of the operator itself would send it."""
        self._process.stop()
        self._prometheus.forget(f"operator-{self.port}")

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _ready(self) -> bool:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"http://{LOOPBACK}:{self.port}/readyz", trust_env=False, timeout=5)
            return answer.status_code == httpx.codes.OK
        return False


def _settings(cluster: Devcluster, folder: Path, port: int) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(folder),
        "CHURN_ARTIFACT_ROOT": f"s3://{cluster.bucket}/churn",
        "CHURN_S3_ENDPOINT": cluster.object_store.settings.endpoint,
        "CHURN_PIPELINES_ENDPOINT": cluster.pipelines.url,
        "CHURN_PIPELINES_NAMESPACE": PIPELINES_NAMESPACE,
        "CHURN_PIPELINES_SECRET": SECRET_NAME,
        "CHURN_PIPELINES_POLL_SECONDS": "1",
        "CHURN_TRAFFIC_DRIVER": "knative",
        "CHURN_BIND_ADDRESS": LOOPBACK,
        "CHURN_METRICS_PORT": str(port),
        "CHURN_HEALTH_PORT": str(port),
        "CHURN_LOG_FORMAT": "text",
    }
