"""The pictures take whatever labels the data has."""

from __future__ import annotations

from pathlib import Path

import pytest
from churn_report import ConfusionMatrix
from churn_trainer.plots import draw_confusion

pytestmark = pytest.mark.unit


def test_a_label_with_dollar_signs_is_no_formula(tmp_path: Path) -> None:
    matrix = ConfusionMatrix(threshold=0.5, true_negatives=5, false_positives=1, false_negatives=2, true_positives=3)

    draw_confusion(tmp_path / "confusion.svg", matrix, "pays $10", "lost $_$")

    assert "lost $_$" in (tmp_path / "confusion.svg").read_text()
