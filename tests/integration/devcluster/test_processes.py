"""No child process outlives the process that started it, however that one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import free_port, is_listening
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until

pytestmark = pytest.mark.cluster

# A shell that has a child of its own, and both write their process ids.
_FAMILY = "echo $$ >> {pids}; sh -c 'echo $$ >> {pids}; sleep 600' & setsid sh -c 'echo $$ >> {pids}; sleep 600' & wait"

_PARENT = """
import signal, sys, time
from pathlib import Path
from churn_devcluster.processes import Process
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests with it ignored
Process("family", ["sh", "-c", sys.argv[1]], Path(sys.argv[2])).start()
print("started", flush=True)
time.sleep(600)
"""


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _family(tmp_path: Path) -> tuple[str, Path]:
    pids = tmp_path / "pids"
    return _FAMILY.format(pids=pids), pids


def _pids(file: Path) -> list[int]:
    wait_until(lambda: file.exists() and len(file.read_text().split()) == 3, "the family to start", 60)
    return [int(line) for line in file.read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_descendants_are_gone_after_the_parent_is_ended_by(number: signal.Signals, tmp_path: Path) -> None:
    script, file = _family(tmp_path)
    arguments = [sys.executable, "-c", _PARENT, script, str(tmp_path / "log")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        pids = _pids(file)
        assert all(map(_alive, pids))
        parent.send_signal(number)
        try:
            parent.wait(60)
        finally:
            parent.kill()
    wait_until(lambda: not any(map(_alive, pids)), "the family to end", 60)


def test_descendants_are_gone_when_stop_returns(tmp_path: Path) -> None:
    script, file = _family(tmp_path)
    process = Process("family", ["sh", "-c", script], tmp_path / "log").start()
    pids = _pids(file)
    process.stop()
    assert not any(map(_alive, pids))
    assert process.exit_code == 128 + signal.SIGTERM


def test_a_command_that_ignores_sigterm_is_killed_at_the_deadline(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; touch {ready}; while true; do sleep 0.1; done"
    process = Process("stubborn", ["sh", "-c", script], tmp_path / "log").start()
    wait_until(ready.exists, "the trap", 60)
    process.stop(seconds=0.2)
    assert not process.running
    assert process.exit_code == 128 + signal.SIGKILL


def test_a_port_is_free_again_when_kill_returns(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    process = Process("server", command, tmp_path / "log")
    for _ in range(3):
        process.start()
        wait_until(lambda: is_listening(port), "the server", 120, process)
        process.kill()
        assert not is_listening(port)


def test_the_command_lives_on_when_the_thread_that_started_it_ends(tmp_path: Path) -> None:
    process = Process("sleeper", ["sleep", "600"], tmp_path / "log")
    thread = threading.Thread(target=process.start)
    thread.start()
    thread.join()
    with pytest.raises(DevclusterError, match="still runs after"):
        process.wait(0.3)
    process.kill()


def test_standard_input_and_environment_reach_the_command(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "COLOUR": "blue"}
    process = Process("reader", ["sh", "-c", "cat; env"], tmp_path / "log", environment, stdin=b"secret\n")
    assert process.start().wait(60) == 0
    assert process.log_tail().startswith("secret\n")
    assert "COLOUR=blue" in process.log_tail()


def test_exit_code_and_a_missing_command_are_reported(tmp_path: Path) -> None:
    assert Process("failing", ["sh", "-c", "exit 7"], tmp_path / "log").start().wait(60) == 7
    missing = Process("missing", ["/nowhere/to/be/found"], tmp_path / "missing.log")
    assert missing.start().wait(60) == 127
    assert "cannot run /nowhere/to/be/found: No such file or directory" in missing.log_tail()


def test_waiting_for_a_process_that_ended_says_so_at_once(tmp_path: Path) -> None:
    process = Process("failing", ["sh", "-c", "echo out of cheese; exit 1"], tmp_path / "log").start()
    with pytest.raises(DevclusterError, match=r"failing ended while waiting for dinner(?s:.*)out of cheese"):
        wait_until(lambda: False, "dinner", 60, process)
