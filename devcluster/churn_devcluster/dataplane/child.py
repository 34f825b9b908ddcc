"""The data plane as a child process of the devcluster, or of a test."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from churn_devcluster.dataplane.scraping import TARGETS_FILE
from churn_devcluster.ports import LOOPBACK, free_port, require_free
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until

READY_FILE = "ready"


class DataPlane:
    """KServe's controller, its model servers and Envoy, all below one child process."""

    def __init__(self, kubeconfig: Path, work_dir: Path, envoy_port: int = 0, options: Sequence[str] = ()) -> None:
        """`envoy_port` 0 chooses a free one; `options` are further arguments of the command line."""
        self.envoy_port = envoy_port or free_port()
        self._ready_file = work_dir / READY_FILE
        # What Prometheus shall scrape; it is there when the data plane is ready.
        self.targets_file = work_dir / TARGETS_FILE
        command: list[str | Path] = [
            *(sys.executable, "-m", "churn_devcluster.dataplane"),
            *("--kubeconfig", kubeconfig),
            *("--work-dir", work_dir),
            *("--envoy-port", str(self.envoy_port)),
            *options,
        ]
        self._process = Process("dataplane", command, work_dir / "dataplane.log")

    @property
    def url(self) -> str:
        """Base of all URLs that InferenceServices get in their status."""
        return f"http://{LOOPBACK}:{self.envoy_port}"

    @property
    def log(self) -> Path:
        """The log file of the data plane itself; those of servers and Envoy lie in folders beside it."""
        return self._process.log

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process.running

    def start(self, seconds: float = 180) -> Self:
        """Starts it and returns when the CRDs are there, the watches run and Envoy listens.

        Raises:
            DevclusterError: the port is taken, or it does not come up in time.
        """
        require_free(self.envoy_port, "Envoy, the entry to all served models")
        self._ready_file.unlink(missing_ok=True)
        self._process.start()
        wait_until(self._ready_file.exists, "the KServe data plane", seconds, self._process)
        return self

    def stop(self) -> None:
        """Ends it and everything below it; what it knows stays in the work folder."""
        self._process.stop(20)

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        self._process.kill()

    def restart(self) -> None:
        """Stops and starts it again with the same port and folder."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
