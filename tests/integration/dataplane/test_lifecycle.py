"""Deletion, restarts, scale to zero, and that no request fails while things change."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import psutil
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.dataplane import DataPlane
from churn_devcluster.object_store import ObjectStore

from .conftest import SECONDS, Client, Model, answers, ask, condition, is_alive, is_up_to_date, traffic, until


def _pid(url: str) -> int:
    return int(ask(url)["pid"])


def test_deletion_leaves_no_process_and_no_route(model: Model) -> None:
    model.apply("one")
    url = model.until(is_up_to_date)["url"]
    pid = _pid(url)
    assert is_alive(pid)
    model.delete()
    until(lambda: not model.exists(), "the finalizer is gone")
    until(lambda: not is_alive(pid), "its server has ended")
    until(lambda: httpx.get(f"{url}/v1/models/churn", timeout=SECONDS).status_code == 404, "its route is gone")


def test_no_request_fails_while_weights_change_and_old_revisions_end(model: Model) -> None:
    model.apply("one")
    url = model.until(is_up_to_date)["url"]
    first = _pid(url)
    with Client(url) as client:
        for text, percent in (("two", 10), ("two", 50), ("two", 0), ("two", 30), ("two", None)):
            model.apply(text, percent)
            wanted = 100 if percent is None else percent
            model.until(lambda status, wanted=wanted: traffic(status).get("2") == wanted)  # type: ignore[misc]
        until(lambda: not is_alive(first), "the first revision is retired")
        model.apply("corrupt", 20)
        model.until(lambda status: condition(status, "Ready")["status"] == "False")
        model.apply("three", None)
        model.until(lambda status: traffic(status) == {"4": 100})
        until(lambda: "three" in client.texts, "the new revision answers")
    assert client.failures == []
    assert set(client.texts) == {"one", "two", "three"}


def test_a_request_in_flight_outlives_its_revisions_traffic(model: Model, tmp_path: Path) -> None:
    model.apply("one")
    url = model.until(is_up_to_date)["url"]
    model.apply("two", 10)
    model.until(lambda status: traffic(status) == {"1": 90, "2": 10})
    model.apply("two", 0)
    model.until(lambda status: traffic(status) == {"1": 100, "2": 0})
    first, goes_on = _pid(url), tmp_path / "goes on"
    with httpx.Client(timeout=SECONDS) as slow:
        with slow.stream("GET", f"{url}/v1/models/churn", params={"held": str(goes_on)}) as response:
            model.apply("two")
            model.until(lambda status: traffic(status) == {"2": 100})
            assert ask(url)["text"] == "two"
            # Longer than a revision without traffic and without a request is kept.
            model.until_settled()
            assert is_alive(first)
            goes_on.touch()
            response.read()
        assert response.status_code == 200
        assert response.json()["text"] == "one"
    until(lambda: not is_alive(first), "the first revision is retired")


def test_a_server_that_crashes_is_started_again_while_requests_wait(model: Model) -> None:
    model.apply("one")
    url = model.until(is_up_to_date)["url"]
    pid, before = _pid(url), model.get()
    os.kill(pid, signal.SIGKILL)
    model.until_written(lambda status: status["modelStatus"]["transitionStatus"] == "BlockedByFailedLoad", before)
    assert answers(url, 3) == {"one": 3}
    model.until(is_up_to_date)


def test_the_api_servers_restart_neither_stops_requests_nor_later_changes(
    model: Model, control_plane: ControlPlane
) -> None:
    model.apply("one")
    url = model.until(is_up_to_date)["url"]
    with Client(url) as client:
        control_plane.stop_apiserver()
        assert answers(url, 20) == {"one": 20}
        control_plane.start_apiserver()
        model.apply("two", 50)
        model.until(lambda status: traffic(status) == {"1": 50, "2": 50})
    assert client.failures == []


def test_a_candidate_waits_out_an_object_store_that_is_down(model: Model, object_store: ObjectStore) -> None:
    model.apply("one")
    url = model.until(is_up_to_date)["url"]
    model.upload("two")
    object_store.stop()
    try:
        model.apply("two", 50, upload=False)
        status = model.until(lambda status: status["modelStatus"]["transitionStatus"] == "BlockedByFailedLoad")
        assert "Cannot read s3://" in status["modelStatus"]["lastFailureInfo"]["message"]
        assert answers(url, 20) == {"one": 20}
    finally:
        object_store.start()
    model.until(lambda status: traffic(status) == {"1": 50, "2": 50})


def test_an_envoy_that_was_killed_comes_back_with_its_routes(model: Model, data_plane: DataPlane) -> None:
    model.apply("one")
    url = model.until(is_up_to_date)["url"]
    envoy = _listener(data_plane.envoy_port)
    os.kill(envoy, signal.SIGKILL)
    until(lambda: not is_alive(envoy), "it ended")

    def answered() -> bool:
        try:
            return answers(url) == {"one": 1}
        except httpx.TransportError:
            return False

    until(answered, "Envoy answers again")


def _listener(port: int) -> int:
    """Process id of the Envoy that has the port in its configuration."""
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "envoy":
            folder = Path(process.info["cmdline"][process.info["cmdline"].index("--config-path") + 1]).parent
            if f'"port_value": {port}' in (folder / "lds.json").read_text():
                return int(process.pid)
    raise AssertionError(f"no Envoy on port {port}")


def test_a_killed_data_plane_leaves_no_process_and_comes_back_as_it_was(model: Model, data_plane: DataPlane) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    model.apply("two", 50)
    model.until(lambda status: is_up_to_date(status) and traffic(status) == {"1": 50, "2": 50})
    before = model.until_settled()
    url = before["status"]["url"]
    pid = _pid(url)
    data_plane.kill()
    until(lambda: not is_alive(pid), "the server died with it")
    data_plane.start()
    assert set(answers(url, 40)) == {"one", "two"}
    assert model.until_settled() == before
    model.apply("two")
    model.until(lambda status: traffic(status) == {"2": 100})


def test_zero_replicas_sleep_when_idle_and_wake_on_a_request(model: Model) -> None:
    model.apply("one", minimum_replicas=0)
    url = model.until(lambda status: "url" in status)["url"]
    pid = _pid(url)
    until(lambda: not is_alive(pid), "it sleeps")
    status = model.until(lambda status: status["modelStatus"]["transitionStatus"] == "InProgress")
    assert condition(status, "Ready")["status"] == "True"
    assert status["modelStatus"]["states"]["targetModelState"] == "Pending"
    assert status["modelStatus"]["copies"]["totalCopies"] == 0
    before = model.get()
    assert answers(url, 3) == {"one": 3}
    model.until_written(is_up_to_date, before)
