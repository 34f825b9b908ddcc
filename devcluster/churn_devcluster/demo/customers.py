"""The customers of the demo: a CSV file of one's own, or Telco-like ones that are made on the spot."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn_report import ColumnKind
from churn_report.telco import TELCO_COLUMNS
from churn_trainer.synthetic import write_customers

from churn_devcluster.errors import DevclusterError

ROWS = 5000
SEED = 7


def require_customers(data: Path | None) -> None:
    """Raises DevclusterError where there is no such file."""
    if data is not None and not data.is_file():
        raise DevclusterError(f"There is no file {data}: name a CSV file with --data, or leave the option out.")


def customers_file(data: Path | None, folder: Path) -> Path:
    """The file to upload: one's own, or one that is made in the folder."""
    if data is not None:
        return data
    made = folder / "customers.csv"
    write_customers(made, rows=ROWS, seed=SEED)
    return made


def instances(file: Path, limit: int = 200) -> list[Mapping[str, Any]]:
    """The first customers as the application sends them: named fields, business values, no id, no target."""
    numbers = {column.name for column in TELCO_COLUMNS if column.kind is ColumnKind.NUMBER}
    with file.open(newline="") as source:
        rows = [row for row, _ in zip(csv.DictReader(source), range(limit), strict=False)]
    return [
        {
            column.name: _value(row[column.name]) if column.name in numbers else row[column.name]
            for column in TELCO_COLUMNS
        }
        for row in rows
    ]


def _value(text: str) -> float | None:
    return float(text) if text.strip() else None
