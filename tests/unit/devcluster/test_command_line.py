"""What a person sees whom the command line refuses, or whose machine does."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import churn_devcluster.__main__ as command_line
import pytest
from churn_devcluster.errors import DevclusterError


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals and proxies of this process are those of before."""
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("no_proxy", "")


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing() -> None:
        raise error

    monkeypatch.setattr(command_line, "find_binaries", find_nothing)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        # What stands in brackets is no markup: this is how an API server logs.
        (DevclusterError("[core] [/healthz] is [bold]not ok"), "error: [core] [/healthz] is [bold]not ok\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/w/ports.json"),
            "error: The disk is full (/w/ports.json): ",
        ),
    ],
)
def test_what_a_person_can_mend_is_a_sentence(
    error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(error, monkeypatch)
    with pytest.raises(SystemExit) as ended:
        command_line.main(["bootstrap"])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(sentence)


def test_customers_that_are_not_there_are_missed_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fail_with(AssertionError("it starts"), monkeypatch)
    with pytest.raises(SystemExit):
        command_line.main(["demo", "--data", str(tmp_path / "none.csv")])
    assert f"There is no file {tmp_path}/none.csv: name a CSV file with --data" in capsys.readouterr().err


def test_any_other_error_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(PermissionError(errno.EACCES, "Permission denied", "/w"), monkeypatch)
    with pytest.raises(PermissionError):
        command_line.main(["bootstrap"])


@pytest.mark.parametrize("text", ["65536", "-1", "http", ""])
def test_what_is_no_port_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.argument_parser().parse_args(["up", f"--s3-port={text}"])
    assert f"argument --s3-port: {text} is no port: use one from 1 to 65535" in capsys.readouterr().err


def test_nothing_on_loopback_is_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(KeyboardInterrupt(), monkeypatch)  # type: ignore[arg-type]
    with pytest.raises(SystemExit) as ended:
        command_line.main(["bootstrap"])
    assert ended.value.code == 130
    assert os.environ["NO_PROXY"] == "example.com,127.0.0.1,localhost"
    assert os.environ["no_proxy"] == "127.0.0.1,localhost"
