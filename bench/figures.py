"""A measured figure beside its target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One row. `value` has to be at least, at most, or below, `target`; a row without a target is for information."""

    row: str
    value: float
    unit: str
    bound: Literal["at least", "at most", "below", "exactly", ""] = ""
    target: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met; true where there is none."""
        match self.bound:
            case "at least":
                return self.target is not None and self.value >= self.target
            case "at most":
                return self.target is not None and self.value <= self.target
            case "below":
                return self.target is not None and self.value < self.target
            case "exactly":
                return self.value == self.target
            case "":
                return True

    @property
    def verdict(self) -> str:
        """The last column."""
        if not self.bound:
            return ""
        return "met" if self.met else "NOT MET"


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text."""
    rows = [("row", "figure", "target", "", "how")]
    for figure in figures:
        target = "" if figure.target is None else f"{figure.bound} {figure.target:g} {figure.unit}".strip()
        rows.append((figure.row, f"{figure.value:.4g} {figure.unit}".strip(), target, figure.verdict, figure.note))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
        for row in rows
    )


def as_json(figures: Sequence[Figure]) -> str:
    """The figures as a JSON array."""
    return json.dumps([{**asdict(figure), "met": figure.met} for figure in figures], indent=1)
