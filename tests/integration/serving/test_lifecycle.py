"""How a server starts, and how it ends."""

from __future__ import annotations

import json
import os
import pickle
import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.serving.conftest import TrainedModel
from tests.integration.serving.model_server import ModelServerProcess, run_to_the_end


class Trap:
    """Creates a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_wrong_digest_refuses_to_start_and_unpickles_nothing(tmp_path: Path, trained: TrainedModel) -> None:
    (tmp_path / "contract.json").write_text(trained.contract.model_dump_json())
    (tmp_path / "model.joblib").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    environment = {"CHURN_MODEL_VERSION": "3"}
    refused = run_to_the_end(tmp_path, {**environment, "CHURN_MODEL_SHA256": trained.sha256})
    assert refused.returncode == 65
    assert f"{trained.sha256} is expected; it was not loaded." in refused.stderr
    assert not (tmp_path / "sprung").exists()
    run_to_the_end(tmp_path, {**environment, "CHURN_MODEL_ALLOW_UNVERIFIED": "1"})
    assert (tmp_path / "sprung").exists()  # so the trap works


def test_a_missing_model_and_a_missing_digest_are_told_apart(tmp_path: Path) -> None:
    missing = run_to_the_end(tmp_path, {"CHURN_MODEL_VERSION": "3", "CHURN_MODEL_SHA256": "a" * 64})
    assert missing.returncode == 66
    assert "contract.json cannot be read" in missing.stderr
    unverified = run_to_the_end(tmp_path, {"CHURN_MODEL_VERSION": "3"})
    assert unverified.returncode == 78
    assert "CHURN_MODEL_SHA256 must be" in unverified.stderr


def test_a_taken_port_is_said(trained: TrainedModel, server: ModelServerProcess) -> None:
    environment = {"CHURN_MODEL_VERSION": "3", "CHURN_MODEL_SHA256": trained.sha256}
    result = run_to_the_end(trained.folder, environment, f"--http_port={server.port}")
    assert result.returncode != 0
    assert "address already in use" in result.stdout + result.stderr


def test_a_request_in_flight_at_sigterm_is_answered(trained: TrainedModel, tmp_path: Path) -> None:
    body = json.dumps({"instances": trained.customers[:1]}).encode()
    with (
        ModelServerProcess(trained.folder, trained.sha256, tmp_path / "log") as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection,
    ):
        head = f"POST /v1/models/churn:predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:10])
        # An answer on another connection shows that the server has read what came before it.
        assert server.predict({"instances": trained.customers[:1]}).status_code == 200
        server.terminate()
        _wait_until(lambda: not server.is_ready())
        connection.sendall(body[10:])
        answer = _read_all(connection)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"predictions"' in answer
        assert server.process.wait(120) == 0


def test_no_request_fails_while_clients_still_find_the_server(trained: TrainedModel, tmp_path: Path) -> None:
    with ModelServerProcess(trained.folder, trained.sha256, tmp_path / "log", "--drain_seconds=8") as server:
        load = Load(server, trained.customers[0])
        _wait_until(lambda: len(load.statuses) > 20)
        server.terminate()
        _wait_until(lambda: not server.is_ready())
        drained_at = len(load.statuses)
        _wait_until(lambda: len(load.statuses) > drained_at + 20)
        load.stop()
        assert set(load.statuses) == {200}
        assert load.errors == []
        assert server.process.wait(120) == 0


class Load:
    """Clients that keep their connections until told to close them, as a proxy does."""

    def __init__(self, server: ModelServerProcess, customer: dict[str, Any]) -> None:
        self.statuses: list[int] = []
        self.errors: list[str] = []
        self._server, self._customer = server, customer
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(3)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait for the requests under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(120)

    def _send(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._stopped.is_set():
                try:
                    answer = client.post(
                        f"{self._server.url}/v1/models/churn:predict", json={"instances": [self._customer]}
                    )
                except httpx.HTTPError as error:
                    self.errors.append(repr(error))
                    return
                self.statuses.append(answer.status_code)


def _read_all(connection: socket.socket) -> bytes:
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    return answer


def _wait_until(condition: Any, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not happen in time")
        time.sleep(0.01)
