"""The data contract that a table suggests: which columns are features, of which kind, and within which bounds."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from churn_report import Column, ColumnKind
from churn_report.telco import TELCO_COLUMNS

from churnctl.proposal.roles import Roles, plain_name
from churnctl.proposal.signal import single_column_auc
from churnctl.proposal.table import ColumnSummary, Table, number_of

LEAKED = 0.95
"""A single column that tells the target this well is most likely written after the customer left."""
_FEW_NUMBERS = 2
_LONGEST = 128
_ROW_NUMBERS = re.compile(r"(?:^|_)(?:row|index|id|uuid|number|nr)(?:_|$)")
_MOST_COLUMNS = 200


@dataclass(frozen=True)
class Contract:
    """The features, and what was left out and why.

    Attributes:
        telco: whether the built-in contract of the Telco columns fits, so that none has to be written down.
        signals: area under the ROC curve of each feature by itself.
    """

    columns: tuple[Column, ...]
    telco: bool
    left_out: tuple[tuple[str, str], ...]
    signals: dict[str, float]

    @property
    def best(self) -> tuple[str, float] | None:
        """The feature that tells most by itself, and how much."""
        best = max(self.signals, key=lambda name: self.signals[name], default=None)
        return None if best is None else (best, self.signals[best])


def contract_of(table: Table, roles: Roles) -> Contract:
    """The contract for every column but target and id."""
    positive = [cell == roles.positive_label for cell in table.cells(roles.target)]
    columns: list[Column] = []
    left_out: list[tuple[str, str]] = []
    signals: dict[str, float] = {}
    telco = {column.name for column in TELCO_COLUMNS}
    fits = fits_telco(table, roles)
    for summary in table.columns:
        if summary.name in {roles.target, roles.id_column} or (fits and summary.name not in telco):
            continue
        column = column_of(summary)
        reason = column if isinstance(column, str) else None
        if isinstance(column, Column):
            auc = single_column_auc(table.cells(summary.name), positive, numeric=column.kind is ColumnKind.NUMBER)
            reason = _leak(summary.name, auc, roles)
            if reason is None:
                columns.append(column)
                signals[column.name] = auc
        if reason is not None:
            left_out.append((summary.name, reason))
    left_out += [(column.name, f"more than {_MOST_COLUMNS} columns") for column in columns[_MOST_COLUMNS:]]
    return Contract(tuple(columns[:_MOST_COLUMNS]), fits, tuple(left_out), signals)


def fits_telco(table: Table, roles: Roles) -> bool:
    """Whether the table is one that the built-in contract takes as it is."""
    summaries = {column.name: column for column in table.columns}
    return all(
        column.name in summaries and column.name not in {roles.target, roles.id_column} and _fits(
            summaries[column.name], column
        )
        for column in TELCO_COLUMNS
    )  # fmt: skip


def _fits(summary: ColumnSummary, column: Column) -> bool:
    if summary.blanks and not column.nullable:
        return False
    match column.kind:
        case ColumnKind.CATEGORY:
            return set(summary.values) <= set(column.categories)
        case ColumnKind.NUMBER:
            low, high = column.minimum or 0, column.maximum or math.inf
            return summary.numeric and low <= summary.minimum and summary.maximum <= high


def column_of(summary: ColumnSummary) -> Column | str:
    """The column, or why it is no feature."""
    nullable = summary.blanks > 0
    if not summary.filled:
        return "blank in every row"
    if len(summary.values) == 1 and not nullable:
        return f'the same in every row: "{next(iter(summary.values))}"'
    if summary.unique and _ROW_NUMBERS.search(plain_name(summary.name)) and not _measures(summary):
        return "another value in each row: it identifies and tells nothing"
    if summary.numeric and (len(summary.values) > _FEW_NUMBERS or summary.integers < summary.filled):
        return Column(
            name=summary.name,
            kind=ColumnKind.NUMBER,
            minimum=_lower(summary.minimum),
            maximum=_upper(summary),
            nullable=nullable,
        )
    if summary.many and summary.numbers:
        text = next((value for value in summary.values if number_of(value) is None), "")
        return f'numbers, and texts such as "{text}": leave those blank' if text else "numbers, and a text among them"
    if summary.many:
        return f"more than {len(summary.values) - 1} different texts: group them, or leave it out"
    if summary.longest > _LONGEST:
        return f"texts of up to {summary.longest} characters: at most {_LONGEST} are possible"
    return Column(
        name=summary.name, kind=ColumnKind.CATEGORY, categories=tuple(sorted(summary.values)), nullable=nullable
    )


def _measures(summary: ColumnSummary) -> bool:
    """Whether it is a number with fractions, which nobody numbers customers with."""
    return summary.numeric and summary.integers < summary.filled


def _lower(minimum: float) -> float:
    """0 for what is never negative, else a round number well below."""
    return 0.0 if minimum >= 0 else -_power_of_ten(-minimum)


def _upper(summary: ColumnSummary) -> float:
    """1 for shares; else a round number well above what was seen, which only a mistake exceeds."""
    share = summary.minimum >= 0 and summary.maximum <= 1 and summary.integers < summary.filled
    return 1.0 if share else _power_of_ten(max(summary.maximum, 0.5))


def _power_of_ten(value: float) -> float:
    """The least power of ten that is at least twice the value."""
    return float(10.0 ** math.ceil(math.log10(2 * value)))


def _leak(name: str, auc: float, roles: Roles) -> str | None:
    if auc >= LEAKED:
        return f"tells the target almost by itself (ROC AUC {auc:.3f}): is it known before a customer leaves?"
    if re.search("churn|attrition", plain_name(name)) and plain_name(name) != plain_name(roles.target):
        return "its name speaks of the target: is it known before a customer leaves?"
    return None
