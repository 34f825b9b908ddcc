"""How each metric moved from version to version."""

from __future__ import annotations

from dataclasses import dataclass

from churn_webapp.charts.frame import Frame
from churn_webapp.story.churn_model import Version

SHOWN = {
    "rocAuc": "ROC AUC",
    "averagePrecision": "Average precision",
    "brier": "Brier score",
    "expectedCalibrationError": "Calibration error",
    "empc": "Profit (EMPC)",
}
LOWER_IS_BETTER = frozenset({"brier", "expectedCalibrationError"})
_MONEY = frozenset({"empc"})
_MOST_VERSIONS = 20
_ROOM = 0.15


@dataclass(frozen=True)
class Dot:
    """A version's value."""

    version: int
    state: str
    value: float
    x: float
    y: float


@dataclass(frozen=True)
class MetricSeries:
    """One small plot."""

    metric: str
    title: str
    lower_is_better: bool
    frame: Frame
    path: str
    dots: tuple[Dot, ...]

    @property
    def digits(self) -> int:
        """Of its values: a profit is money, everything else a share."""
        return 2 if self.metric in _MONEY else 4

    @property
    def sentence(self) -> str:
        """The plot in words."""
        better = "lower is better" if self.lower_is_better else "higher is better"
        values = ", ".join(f"version {dot.version}: {dot.value:.{self.digits}f}" for dot in self.dots)
        return f"{self.title}, {better}. {values}."


def metric_series(versions: tuple[Version, ...]) -> tuple[MetricSeries, ...]:
    """A plot for each metric that at least two of the newest versions have."""
    newest = versions[-_MOST_VERSIONS:]
    found = (_series(metric, title, newest) for metric, title in SHOWN.items())
    return tuple(series for series in found if series is not None)


def _series(metric: str, title: str, versions: tuple[Version, ...]) -> MetricSeries | None:
    having = [version for version in versions if metric in version.metrics]
    if len(having) < 2:
        return None
    values = [version.metrics[metric] for version in having]
    margin = (max(values) - min(values)) * _ROOM
    frame = Frame(
        lowest=(0, min(values) - margin),
        highest=(len(having) - 1, max(values) + margin),
        width=220,
        height=96,
        left=14,
        right=14,
        top=10,
        bottom=22,
    )
    dots = tuple(
        Dot(version.number, version.state, value, frame.x(place), frame.y(value))
        for place, (version, value) in enumerate(zip(having, values, strict=True))
    )
    path = frame.path((place, value) for place, value in enumerate(values))
    return MetricSeries(metric, title, metric in LOWER_IS_BETTER, frame, path, dots)
