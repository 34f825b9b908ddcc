"""What reaches a terminal: no control characters of others, and no sign that it does not have."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from churnctl.console import print_table, say, stdout, visible, write_what_the_terminal_has
from churnctl.tree import tree
from churnctl.view import read

from tests.unit.cli.objects import full

pytestmark = pytest.mark.unit

HOSTILE = "fine\x1b[2J\x1b]0;title\x07\r\x9b31m"


def controls(text: str) -> set[str]:
    return {letter for letter in text if not letter.isprintable()} - {"\n"}


def test_control_characters_can_be_seen_and_do_nothing() -> None:
    assert visible("a\x1b[31mb\r\n", kept="\n") == "a\\x1b[31mb\\x0d\n"


def test_a_status_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    item = full()
    item["status"]["conditions"] = [{"type": "Ready", "status": "True", "reason": HOSTILE, "message": HOSTILE}]
    item["status"]["versions"][0]["reason"] = HOSTILE
    stdout().print(tree(read(item)))
    shown = capsys.readouterr().out
    assert controls(shown) == set()
    assert "fine\\x1b[2J" in shown


def test_neither_does_a_table_or_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([HOSTILE, "b"], [[HOSTILE, "a\nb"]])
    say(HOSTILE, "red")
    said = capsys.readouterr()
    assert controls(said.out + said.err) == set()
    assert len(said.out.splitlines()) == 2


@pytest.mark.parametrize(("encoding", "bar"), [("ascii", "##--"), ("iso-8859-1", "##--"), ("utf-8", "━━──")])
def test_a_terminal_without_the_signs_gets_others(monkeypatch: pytest.MonkeyPatch, encoding: str, bar: str) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    write_what_the_terminal_has()
    item: dict[str, Any] = full()
    item["status"]["conditions"] = [{"type": "Ready", "status": "True", "reason": "R", "message": "≥ 0.8 “日”"}]
    stdout().print(tree(read(item)))
    sys.stdout.flush()
    text = written.getvalue().decode(encoding)
    assert bar in text
    assert ("≥ 0.8 “日”" if encoding == "utf-8" else ">= 0.8 \\u201c\\u65e5\\u201d") in text
