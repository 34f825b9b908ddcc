"""The endpoint's process, as the devcluster starts and stops it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from churn_devcluster.ports import LOOPBACK, free_port, require_free
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until

_READY_SECONDS = 180


class PipelinesEndpoint:
    """Kubeflow Pipelines' REST API at `url`, for the unchanged kfp.Client; its runs are kept in `work_dir`."""

    def __init__(
        self,
        work_dir: Path,
        kubeconfig: Path,
        port: int = 0,
        namespace: str = "kubeflow",
        concurrent_runs: int = 2,
    ) -> None:
        """`port` 0 takes a free one; `namespace` holds the Secrets of runs whose experiment names none.

        Raises:
            DevclusterError: the port is taken.
        """
        self.work_dir = work_dir
        self.port = require_free(port, "the Kubeflow Pipelines endpoint") if port else free_port()
        command = [
            *(sys.executable, "-m", "churn_devcluster.pipelines"),
            f"--port={self.port}",
            f"--kubeconfig={kubeconfig}",
            f"--data-dir={work_dir}",
            f"--namespace={namespace}",
            f"--concurrent-runs={concurrent_runs}",
        ]
        self._process = Process("the Kubeflow Pipelines endpoint", command, work_dir / "endpoint.log")

    @property
    def url(self) -> str:
        """What `kfp.Client(host=…)` is given."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process.running

    def start(self) -> Self:
        """Starts it and waits until it answers.

        Raises:
            DevclusterError: it ended or did not answer in time.
        """
        self._process.start()
        try:
            wait_until(self._answers, self._process.name, _READY_SECONDS, self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends it with the runs it executes; these are FAILED after the next start. Harmless when stopped."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL to it and its runs, as a crash would be."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{self.url}/apis/v2beta1/healthz", trust_env=False, timeout=5)
            return answer.status_code == httpx.codes.OK
        return False
