"""A real Prometheus that scrapes what the data plane serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from churn_devcluster.ports import LOOPBACK, free_port, require_free
from churn_devcluster.processes import Process
from churn_devcluster.prometheus_binary import find_prometheus
from churn_devcluster.waiting import wait_until

_READY_SECONDS = 180
_RETENTION = "6h"


class Prometheus:
    """Prometheus on loopback, whose targets are those of one file, and those named by `scrape`.

    The file is in the format of file-based service discovery; labels of a target, `job` and
    `__metrics_path__` among them, go before the defaults. It need not be there yet.
    """

    def __init__(self, work_dir: Path, targets_file: Path, port: int = 0, scrape_seconds: int = 1) -> None:
        """`port` 0 takes a free one; each target is scraped every `scrape_seconds`.

        Raises:
            DevclusterError: the port is taken.
        """
        self.work_dir = work_dir.absolute()
        self.port = require_free(port, "Prometheus") if port else free_port()
        self._targets_file = targets_file.absolute()
        self._scrape_seconds = scrape_seconds
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Base of its HTTP API."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.running

    @property
    def log(self) -> Path:
        """Its log file."""
        return self.work_dir / "prometheus.log"

    def start(self) -> Self:
        """Starts it, built first on a machine that has none, and waits until it answers queries.

        Raises:
            DevclusterError: it cannot be built, ended, or did not become ready in time.
        """
        program = find_prometheus()
        self.work_dir.mkdir(parents=True, exist_ok=True)
        # Prometheus watches folders, and only those that are there when it starts.
        for folder in (self._targets_file.parent, self._more_targets):
            folder.mkdir(parents=True, exist_ok=True)
        # JSON is YAML.
        self._configuration.write_text(json.dumps(self._settings(), indent=1))
        process = Process("Prometheus", self._command(program), self.log).start()
        self._process = process
        try:
            wait_until(self._ready, "Prometheus", _READY_SECONDS, process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends it; what it knows stays. Harmless when stopped."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        """Stops and starts it again with the same port and data."""
        self.stop()
        self.start()

    def scrape(self, name: str, target: str, labels: Mapping[str, str]) -> None:
        """Scrape `host:port` too, with these labels beside those of its own, until `forget` of the same name."""
        file = self._more_targets / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps([{"targets": [target], "labels": dict(labels)}]))
        partial.replace(file)

    def forget(self, name: str) -> None:
        """Scrape this no more; harmless where it is not scraped."""
        (self._more_targets / f"{name}.json").unlink(missing_ok=True)

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The vector that an instant query answers: `metric` and `value` of each series.

        Raises:
            httpx.HTTPError: it does not answer, or refuses the query.
        """
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": promql}, trust_env=False, timeout=60)
        answer.raise_for_status()
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _configuration(self) -> Path:
        return self.work_dir / "prometheus.yml"

    @property
    def _more_targets(self) -> Path:
        return self.work_dir / "targets"

    def _settings(self) -> dict[str, Any]:
        interval = f"{self._scrape_seconds}s"
        files = [str(self._targets_file), str(self._more_targets / "*.json")]
        discovery = {"files": files, "refresh_interval": "5s"}
        # Envoy names a cluster by namespace and revision; like this its series join those of model servers.
        cluster = {"source_labels": ["envoy_cluster_name"], "regex": "([^/]+)/(.+)"}
        relabelled = [
            {**cluster, "target_label": label, "replacement": f"${number}"}
            for number, label in enumerate(("namespace", "revision"), start=1)
        ]
        job = {
            "job_name": "devcluster",
            # The operator says namespaces of ChurnModels, which are not the one it runs in.
            "honor_labels": True,
            "file_sd_configs": [discovery],
            "metric_relabel_configs": relabelled,
        }
        return {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "scrape_configs": [job],
        }

    def _command(self, program: Path) -> list[str | Path]:
        return [
            program,
            f"--config.file={self._configuration}",
            f"--storage.tsdb.path={self.work_dir / 'data'}",
            f"--storage.tsdb.retention.time={_RETENTION}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
        ]

    def _ready(self) -> bool:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{self.url}/-/ready", trust_env=False, timeout=5)
            return answer.status_code == httpx.codes.OK
        return False
