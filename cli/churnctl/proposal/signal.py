"""How much a single column tells about the target: the area under the ROC curve of the column alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from churnctl.proposal.table import number_of


def single_column_auc(cells: Sequence[str], positive: Sequence[bool], *, numeric: bool) -> float:
    """From 0.5 (nothing) to 1; numbers are ranked by their value, categories by their share of positives.

    A category's share is smoothed by the base rate with the weight of ten customers, and taken from one half of the
    rows to rank the other, so that many rare values do not look like knowledge. 0.5 where there is only one class.
    """
    base = sum(positive) / len(positive) if positive else 0.0
    if base in {0.0, 1.0}:
        return 0.5
    if not numeric:
        return max(_category_auc(cells, positive, base), 0.5)
    auc = _auc(_values(cells), positive)
    return max(auc, 1 - auc)


def _values(cells: Sequence[str]) -> list[float]:
    numbers = [number_of(cell) for cell in cells]
    known = sorted(number for number in numbers if number is not None)
    median = known[len(known) // 2] if known else 0.0
    return [median if number is None else number for number in numbers]


def _category_auc(cells: Sequence[str], positive: Sequence[bool], base: float) -> float:
    areas = []
    for half in (0, 1):
        ranked = positive[half::2]
        if any(ranked) and not all(ranked):
            shares = _shares(cells[1 - half :: 2], positive[1 - half :: 2], base)
            areas.append(_auc([shares.get(cell, base) for cell in cells[half::2]], ranked))
    return sum(areas) / len(areas) if areas else 0.5


def _shares(cells: Sequence[str], positive: Sequence[bool], base: float, weight: float = 10.0) -> dict[str, float]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for cell, left in zip(cells, positive, strict=True):
        counts[cell][0] += 1
        counts[cell][1] += left
    return {cell: (left + weight * base) / (rows + weight) for cell, (rows, left) in counts.items()}


def _auc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Mann and Whitney's statistic over the pairs; ties count half."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    ranks = 0.0
    place = 0
    while place < len(order):
        end = place
        while end < len(order) and scores[order[end]] == scores[order[place]]:
            end += 1
        # Ranks count from 1; those of a tie are shared.
        shared = (place + 1 + end) / 2
        ranks += shared * sum(positive[index] for index in order[place:end])
        place = end
    positives = sum(positive)
    return (ranks - positives * (positives + 1) / 2) / (positives * (len(scores) - positives))
