"""The report's pictures, as SVG files that are the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from churn_report import CalibrationBin, ConfusionMatrix, Curve
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_BLUE = "#1f5fa8"
_GREY = "#8a8f98"


def draw_roc(path: Path, curve: Curve, area: float) -> None:
    """Draws the ROC curve with its area to `path`."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1)
        axes.plot(curve.x, curve.y, color=_BLUE)
        axes.set(title=f"ROC, area {area:.3f}", xlabel="False positive rate", ylabel="True positive rate")

    _draw(path, draw)


def draw_calibration(path: Path, bins: Sequence[CalibrationBin], error: float) -> None:
    """Draws predicted against observed shares to `path`."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1)
        axes.plot([b.mean_predicted for b in bins], [b.observed_share for b in bins], "o-", color=_BLUE)
        axes.set(
            title=f"Calibration, expected error {error:.3f}",
            xlabel="Mean predicted probability",
            ylabel="Observed share",
        )

    _draw(path, draw)


def draw_confusion(path: Path, matrix: ConfusionMatrix, negative_label: str, positive_label: str) -> None:
    """Draws the confusion matrix with its counts to `path`."""
    rows = [
        [matrix.true_negatives, matrix.false_positives],
        [matrix.false_negatives, matrix.true_positives],
    ]

    def draw(axes: Axes) -> None:
        axes.imshow(rows, cmap="Blues")
        darkest = max(map(max, rows))
        for row, counts in enumerate(rows):
            for column, count in enumerate(counts):
                colour = "white" if count > darkest / 2 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour)
        labels = [negative_label, positive_label]
        axes.set_xticks([0, 1], labels)
        axes.set_yticks([0, 1], labels)
        axes.set(title=f"Confusion at {matrix.threshold:g}", xlabel="Predicted", ylabel="Actual")

    _draw(path, draw)


def _draw(path: Path, draw: Callable[[Axes], None]) -> None:
    # A label of the data may hold dollar signs, between which a formula would be sought.
    with mpl.rc_context({"svg.hashsalt": "churn", "svg.fonttype": "none", "text.parse_math": False}):
        figure = Figure(figsize=(5, 4.5), layout="tight")
        draw(figure.add_subplot())
        FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
