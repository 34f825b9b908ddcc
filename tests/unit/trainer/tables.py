"""Small customer tables, and ways to spoil them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
from churn_trainer.request import RunRequest
from churn_trainer.synthetic import make_customers


def customers(rows: int = 600, seed: int = 4) -> pa.Table:
    """Customers with every column as text, as a CSV file has them."""
    table = make_customers(rows, seed)
    return table.cast(pa.schema([(name, pa.string()) for name in table.column_names])).combine_chunks()


def with_cell(table: pa.Table, column: str, row: int, value: str | None) -> pa.Table:
    """The table with `value` in `column` of `row`, counted from 1."""
    values = table.column(column).to_pylist()
    values[row - 1] = value
    return with_column(table, column, values)


def with_column(table: pa.Table, column: str, values: list[str | None]) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, pa.array(values, pa.string()))


def write(folder: Path, table: pa.Table, name: str = "customers.csv") -> Path:
    path = folder / name
    pacsv.write_csv(table, path)
    return path


def request(data: Path, folder: Path, **wishes: str | int) -> RunRequest:
    return RunRequest.model_validate({"dataset_uri": str(data), "output_uri": str(folder / "out"), **wishes})
