"""`churn-webapp` as a command."""

from __future__ import annotations

import logging
import sys
from dataclasses import fields

import pytest
from churn_webapp import __main__ as program
from churn_webapp.settings import Settings


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which it starts, and ends where it would serve."""
    monkeypatch.setattr(sys, "argv", ["churn-webapp"])
    monkeypatch.setattr(program.Server, "run", lambda _: None)
    monkeypatch.setenv("CHURN_API_SERVER", "http://127.0.0.1:1")
    monkeypatch.delenv("CHURN_SECRET_KEY", raising=False)


def test_help_names_every_setting() -> None:
    told = program.command_line().format_help()
    for setting in fields(Settings):
        assert f"  CHURN_{setting.name.upper()}={setting.default}\n" in told
    assert "AWS_SECRET_ACCESS_KEY" in told


def test_an_argument_that_it_does_not_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, started: None, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["churn-webapp", "--port=9000"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert "--port=9000" in capsys.readouterr().err


def test_without_a_key_it_says_what_ends_with_it(started: None, caplog: pytest.LogCaptureFixture) -> None:
    program.main()
    [said] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "CHURN_SECRET_KEY is not set" in said.getMessage()


def test_with_a_key_it_says_nothing(
    started: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CHURN_SECRET_KEY", "of a test")
    program.main()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
