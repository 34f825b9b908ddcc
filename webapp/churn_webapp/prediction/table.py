"""A page of predictions, sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from churn_webapp.prediction.prediction import Prediction

PAGE_ROWS = 100


class Order(StrEnum):
    """What the table can be sorted by."""

    ROW = "row"
    CUSTOMER = "customer"
    RISK = "risk"
    PROFIT = "profit"
    VERSION = "version"


_KEYS: dict[Order, Callable[[Prediction], Any]] = {
    Order.ROW: lambda prediction: prediction.row,
    Order.CUSTOMER: lambda prediction: prediction.customer_id,
    Order.RISK: lambda prediction: prediction.probability,
    Order.PROFIT: lambda prediction: prediction.profit,
    Order.VERSION: lambda prediction: (len(prediction.version), prediction.version),
}


@dataclass(frozen=True)
class TablePage:
    """`rows` of the page `number`, which counts from 1 to `pages`."""

    rows: tuple[Prediction, ...]
    order: Order
    descending: bool
    number: int
    pages: int
    total: int

    @property
    def first(self) -> int:
        """Place of the first row of this page, from 1."""
        return (self.number - 1) * PAGE_ROWS + 1


def sort(predictions: tuple[Prediction, ...], order: Order, descending: bool) -> tuple[Prediction, ...]:
    """Sorted; equal ones stay in the order in which they were sent."""
    return tuple(sorted(predictions, key=_KEYS[order], reverse=descending))


def table_page(predictions: tuple[Prediction, ...], order: Order, descending: bool, number: int) -> TablePage:
    """One page of the sorted table; a number beyond the last gives the last."""
    pages = max(1, -(-len(predictions) // PAGE_ROWS))
    number = min(max(1, number), pages)
    start = (number - 1) * PAGE_ROWS
    rows = sort(predictions, order, descending)[start : start + PAGE_ROWS]
    return TablePage(rows, order, descending, number, pages, len(predictions))
