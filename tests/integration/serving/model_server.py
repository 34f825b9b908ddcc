"""A churn-serving process on a free loopback port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from churn_devcluster.ports import free_port

START_SECONDS = 300.0


def run_to_the_end(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected not to start."""
    return subprocess.run(
        _command(folder, free_port(), *arguments),
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


class ModelServerProcess:
    """Started and ready on entry, terminated on exit.

    Attributes:
        url: where it listens.
        port: its port on 127.0.0.1.
    """

    def __init__(self, folder: Path, sha256: str, log: Path, *arguments: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                _command(folder, self.port, *arguments),
                env=_environment({"CHURN_MODEL_SHA256": sha256, "CHURN_MODEL_VERSION": "3"}),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> ModelServerProcess:
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise AssertionError(f"the model server did not start:\n{self._log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)

    def is_ready(self) -> bool:
        """Whether /v2/health/ready answers 200."""
        try:
            return httpx.get(f"{self.url}/v2/health/ready", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def predict(self, body: Any) -> httpx.Response:
        """POST to the v1 route on a connection of its own."""
        return httpx.post(f"{self.url}/v1/models/churn:predict", json=body, timeout=60)

    def infer(self, body: Any) -> httpx.Response:
        """POST to the v2 route on a connection of its own."""
        return httpx.post(f"{self.url}/v2/models/churn/infer", json=body, timeout=60)

    def terminate(self) -> None:
        """Send SIGTERM and return at once."""
        self.process.send_signal(signal.SIGTERM)


def _command(folder: Path, port: int, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "churn_serving",
        "--model_name=churn",
        f"--model_dir={folder}",
        f"--http_port={port}",
        "--host=127.0.0.1",
        *arguments,
    ]


def _environment(environment: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHURN_")}
    return {**kept, **environment}
