"""Times, sentences of refusals, comparison of versions, and the exit codes in --help."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churnctl.__main__ import run
from churnctl.cluster.connection import forbidden
from churnctl.comparison import compare
from churnctl.errors import MEANINGS, ChurnctlError, ExitCode
from churnctl.times import short, span_of, time_of
from churnctl.versions import facts, version_of, wanted
from churnctl.view import read

from tests.unit.cli.objects import full

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (125, "2m5s"),
        (600, "10m"),
        (7200, "120m"),
        (12_000, "3h20m"),
        (90_000, "25h"),
        (4e5, "4d"),
    ],
)
def test_a_length_of_time(seconds: float, text: str) -> None:
    assert short(timedelta(seconds=seconds)) == text


def test_times_and_durations() -> None:
    assert time_of(None) is None
    assert str(time_of("2026-03-01T12:00:00Z")) == "2026-03-01 12:00:00+00:00"
    assert span_of("1h30m") == timedelta(hours=1, minutes=30)
    assert span_of("soon") == timedelta(0)


def test_who_may_not_do_what() -> None:
    said = (
        'churnmodels.churnops.dev "churn" is forbidden: User "alice" cannot patch resource "churnmodels" in API group '
        '"churnops.dev" in the namespace "team"'
    )
    assert forbidden(said) == (
        'User "alice" may not patch churnmodels in namespace "team": ask for the ClusterRole churnmodels-edit there.'
    )
    everywhere = 'User "a" cannot list resource "churnmodels" in API group "churnops.dev" at the cluster scope'
    assert forbidden(everywhere) == (
        'User "a" may not list churnmodels in the whole cluster: ask for the ClusterRole churnmodels-view there.'
    )
    assert forbidden("because") == "because."


def test_a_version_that_is_not_there() -> None:
    model = read(full())
    assert version_of(model, 1).number == 1
    with pytest.raises(ChurnctlError, match=r"has no version 9; it has v1, v2"):
        version_of(model, 9)


def test_what_the_gate_asked_for() -> None:
    assert wanted({"minimum": 0.8}) == "≥ 0.8"
    assert wanted({"minimum": 0.8, "maximum": 0.9}) == "≥ 0.8 and ≤ 0.9"


def test_a_metric_is_better_when_it_goes_the_right_way() -> None:
    item = full()
    old, new = item["status"]["versions"][:2]
    old["metrics"] = {"rocAuc": 0.80, "brier": 0.14, "crossValidationCalibrationError": 0.02, "f1": 0.5}
    new["metrics"] = {"rocAuc": 0.81, "brier": 0.15, "crossValidationCalibrationError": 0.01, "f1": 0.5, "empc": 1.0}
    model = read(item)
    lines = compare(version_of(model, old["number"]), version_of(model, new["number"]), None)
    verdicts = {line.name: line.verdict for line in lines if line.section == "metrics"}
    assert verdicts == {
        "rocAuc": "better", "brier": "worse", "crossValidationCalibrationError": "better", "f1": "same", "empc": "",
    }  # fmt: skip


def test_what_a_pipeline_of_ones_own_made_is_told_by_the_content_of_its_package() -> None:
    item = full()
    item["status"]["versions"][0]["pipeline"] = "ab" * 32
    del item["status"]["versions"][1]["pipeline"]
    model = read(item)
    own, built_in = (version_of(model, number["number"]) for number in item["status"]["versions"][:2])
    assert ["pipeline package", "ab" * 32] in facts(own)
    assert "pipeline package" not in [name for name, _ in facts(built_in)]
    (line,) = [line for line in compare(own, built_in, None) if line.name == "pipeline package"]
    assert (line.old, line.new, line.differs) == ("abababababab", None, True)


def test_help_documents_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for code in ExitCode:
        assert f"{int(code)} {MEANINGS[code]}" in text


@pytest.mark.parametrize(
    "arguments", [["bogus"], ["get", "--bogus"], ["get", "x", "-A"], ["diff", "x", "one", "2"], ["lint"]]
)
def test_a_wrong_use_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == ExitCode.USAGE
    assert "Usage:" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_CHURNCTL_COMPLETE" in capsys.readouterr().out
