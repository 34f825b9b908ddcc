"""Invented customers look like the Telco table's, and are the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from churn_report.telco import TELCO_COLUMNS
from churn_trainer.synthetic import make_customers, write_customers

pytestmark = pytest.mark.unit


def test_the_same_seed_gives_the_same_customers() -> None:
    assert make_customers(100, 1) == make_customers(100, 1)
    assert make_customers(100, 1) != make_customers(100, 2)


def test_they_have_the_columns_and_the_churn_of_the_telco_table() -> None:
    table = make_customers(20_000, 3)

    assert table.column_names == ["customerID", *(column.name for column in TELCO_COLUMNS), "Churn"]
    assert 0.22 < pc.mean(pc.equal(table.column("Churn"), "Yes")).as_py() < 0.30
    blank = table.filter(pc.is_null(table.column("TotalCharges")))
    assert 0 < blank.num_rows < 200
    assert set(blank.column("tenure").to_pylist()) == {0}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_hold_every_row_with_an_id_of_its_own(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"c.{suffix}"

    write_customers(path, rows=200_500, seed=1)

    table = pq.read_table(path) if suffix == "parquet" else pacsv.read_csv(path)
    assert table.num_rows == pc.count_distinct(table.column("customerID")).as_py() == 200_500
