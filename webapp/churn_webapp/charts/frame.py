"""The box of a plot: from values to the coordinates of an SVG."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_MOST_POINTS = 240


@dataclass(frozen=True)
class Frame:
    """A plot of `width` by `height` units with room for labels around it. Values run from `lowest` to `highest`."""

    lowest: tuple[float, float] = (0.0, 0.0)
    highest: tuple[float, float] = (1.0, 1.0)
    width: float = 320
    height: float = 300
    left: float = 46
    right: float = 14
    top: float = 14
    bottom: float = 44

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """left, top, right and bottom of the plot's area."""
        return self.left, self.top, self.width - self.right, self.height - self.bottom

    def x(self, value: float) -> float:
        """Where a value stands from left to right."""
        left, _, right, _ = self.bounds
        return round(left + (right - left) * _share(value, self.lowest[0], self.highest[0]), 1)

    def y(self, value: float) -> float:
        """Where a value stands from top to bottom."""
        _, top, _, bottom = self.bounds
        return round(bottom - (bottom - top) * _share(value, self.lowest[1], self.highest[1]), 1)

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """The `d` of a line through the points."""
        return "M" + "L".join(f"{self.x(x)} {self.y(y)}" for x, y in points)


def thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most a few hundred of the points, the first and the last among them."""
    if len(points) <= _MOST_POINTS:
        return points
    step = (len(points) - 1) / (_MOST_POINTS - 1)
    return [points[round(number * step)] for number in range(_MOST_POINTS)]


def _share(value: float, lowest: float, highest: float) -> float:
    return 0.5 if highest <= lowest else (value - lowest) / (highest - lowest)
