"""Faults of a model version: their file, and what they do to scores."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from churn_devcluster.faults import FAULTS_VARIABLE, Faults, FaultsFile, faulty_runtime, write_faults
from churn_devcluster.faulty_server import FaultyScorer, ModelDefectError
from numpy.typing import NDArray
from pydantic import ValidationError


class Fixed:
    """A scorer that answers the same whatever it is asked."""

    def probabilities(self, rows: list[tuple[str | float | None, ...]]) -> NDArray[np.float64]:
        return np.array([0.1, 0.5, 0.9])


def test_a_version_has_its_own_faults(tmp_path: Path) -> None:
    path = tmp_path / "below" / "faults.json"
    write_faults(path, {"3": Faults(error_share=0.05)})
    assert path.read_text().count("errorShare") == 1
    assert FaultsFile(path, "3").current() == Faults(error_share=0.05)
    assert FaultsFile(path, "2").current() == Faults()


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert FaultsFile(tmp_path / "missing", "3").current() == Faults()


def test_a_version_turns_bad_and_good_again_while_it_serves(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    file = FaultsFile(path, "3")
    assert file.current() == Faults()
    write_faults(path, {"3": Faults(slow_factor=5)})
    assert file.current() == Faults(slow_factor=5)
    write_faults(path, {})
    assert file.current() == Faults()
    path.unlink()
    assert file.current() == Faults()


def test_a_file_that_makes_no_sense_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "faults.json"
    write_faults(path, {"3": Faults(shift_scores=0.3)})
    file = FaultsFile(path, "3")
    assert file.current() == Faults(shift_scores=0.3)
    path.write_text('{"3": {"errorShare": 7}}')
    os.utime(path, ns=(1, 1))
    assert file.current() == file.current() == Faults(shift_scores=0.3)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("wrong", [{"error_share": 1.1}, {"slow_factor": 0.5}, {"shift_scores": -2}, {"other": 1}])
def test_a_fault_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Faults.model_validate(wrong)


def test_scores_are_shifted_and_stay_probabilities() -> None:
    scorer = FaultyScorer(Fixed(), lambda: Faults(shift_scores=0.3), lambda: 0.0)
    assert scorer.probabilities([]) == pytest.approx([0.4, 0.8, 1.0])


@pytest.mark.parametrize(("drawn", "fails"), [(0.049, True), (0.05, False)])
def test_a_share_of_requests_fails(drawn: float, fails: bool) -> None:
    scorer = FaultyScorer(Fixed(), lambda: Faults(error_share=0.05), lambda: drawn)
    if fails:
        with pytest.raises(ModelDefectError):
            scorer.probabilities([])
    else:
        assert scorer.probabilities([]) == pytest.approx([0.1, 0.5, 0.9])


def test_a_good_runtime_becomes_a_faulty_one_and_keeps_its_arguments(tmp_path: Path) -> None:
    container = {"name": "kserve-container", "args": ["--drain_seconds=5"], "env": [{"name": "A", "value": "b"}]}
    good = {"metadata": {"name": "churn-serving"}, "spec": {"containers": [container]}}
    bad = faulty_runtime(faulty_runtime(good, tmp_path / "old.json"), tmp_path / "faults.json")
    [changed] = bad["spec"]["containers"]
    assert changed["args"] == ["--drain_seconds=5"]
    assert changed["command"] == ["python", "-m", "churn_devcluster.faulty_server"]
    assert changed["env"] == [
        {"name": "A", "value": "b"},
        {"name": FAULTS_VARIABLE, "value": str(tmp_path / "faults.json")},
    ]
    assert "command" not in container
