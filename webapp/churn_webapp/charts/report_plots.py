"""ROC curve, calibration and confusion matrix of one or two versions, from their reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from churn_report import CalibrationBin, ConfusionMatrix, Report

from churn_webapp.charts.frame import Frame, thinned

FRAME = Frame()


@dataclass(frozen=True)
class Line:
    """A version's line in a plot; `rank` 0 is drawn solid, 1 dashed."""

    version: int
    rank: int
    path: str
    note: str
    dots: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Cell:
    """A cell of the confusion matrix; `share` is that of its actual class, 0 to 1."""

    actual: str
    predicted: str
    count: int
    share: float
    right: bool


@dataclass(frozen=True)
class Bin:
    """A row of the calibration table."""

    version: int
    bin: CalibrationBin


@dataclass(frozen=True)
class Confusion:
    """The matrix of one version."""

    version: int
    threshold: float
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ReportPlots:
    """What is drawn of the reports of one or two versions."""

    frame: Frame
    roc: tuple[Line, ...]
    calibration: tuple[Line, ...]
    bins: tuple[Bin, ...]
    confusions: tuple[Confusion, ...]


def report_plots(reports: Sequence[tuple[int, Report]]) -> ReportPlots:
    """The plots of (version, report), the one that matters most first."""
    return ReportPlots(
        frame=FRAME,
        roc=tuple(line for rank, (number, report) in enumerate(reports) if (line := _roc(number, rank, report))),
        calibration=tuple(
            line for rank, (number, report) in enumerate(reports) if (line := _calibration(number, rank, report))
        ),
        bins=tuple(Bin(number, each) for number, report in reports for each in report.calibration),
        confusions=tuple(
            Confusion(number, report.confusion.threshold, _cells(report.confusion))
            for number, report in reports
            if report.confusion is not None
        ),
    )


def _roc(version: int, rank: int, report: Report) -> Line | None:
    if report.roc is None:
        return None
    points = thinned(list(zip(report.roc.x, report.roc.y, strict=True)))
    return Line(version, rank, FRAME.path(points), _metric("area", report, "rocAuc"))


def _calibration(version: int, rank: int, report: Report) -> Line | None:
    if not report.calibration:
        return None
    points = [(each.mean_predicted, each.observed_share) for each in report.calibration]
    dots = tuple((FRAME.x(x), FRAME.y(y)) for x, y in points)
    return Line(version, rank, FRAME.path(points), _metric("error", report, "expectedCalibrationError"), dots)


def _metric(word: str, report: Report, name: str) -> str:
    return f"{word} {report.metrics[name]:.3f}" if name in report.metrics else ""


def _cells(matrix: ConfusionMatrix) -> tuple[Cell, ...]:
    stayed = max(1, matrix.true_negatives + matrix.false_positives)
    left = max(1, matrix.false_negatives + matrix.true_positives)
    return (
        Cell("stayed", "stays", matrix.true_negatives, matrix.true_negatives / stayed, True),
        Cell("stayed", "churns", matrix.false_positives, matrix.false_positives / stayed, False),
        Cell("churned", "stays", matrix.false_negatives, matrix.false_negatives / left, False),
        Cell("churned", "churns", matrix.true_positives, matrix.true_positives / left, True),
    )
