"""Bad data ends the run with a reason and a sentence that names column and row, in the report too."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from churn_report import Outcome, Report
from churn_trainer.local import run_locally
from churn_trainer.rejection import DataRejected

from tests.unit.trainer.tables import customers, request, with_cell, with_column, write


@dataclass(frozen=True)
class Case:
    name: str
    spoil: Callable[[pa.Table], pa.Table]
    reason: str
    says: tuple[str, ...]
    step: str = "validate"


def _duplicate(table: pa.Table) -> pa.Table:
    return with_cell(table, "customerID", 40, table.column("customerID")[11].as_py())


def _leak(table: pa.Table) -> pa.Table:
    return with_column(table, "Partner", table.column("Churn").to_pylist())


def _number_leak(table: pa.Table) -> pa.Table:
    months = [
        "3" if churn == "Yes" else str(4 + row % 60) for row, churn in enumerate(table.column("Churn").to_pylist())
    ]
    return with_column(table, "tenure", months)


def _one_class(table: pa.Table) -> pa.Table:
    return with_column(table, "Churn", ["No"] * table.num_rows)


def _few_positives(table: pa.Table) -> pa.Table:
    return with_column(table, "Churn", ["Yes" if row < 5 else "No" for row in range(table.num_rows)])


CASES = (
    Case("missing column", lambda t: t.drop_columns(["tenure"]), "MissingColumn", ("Column tenure", "customers.csv")),
    Case("missing target", lambda t: t.drop_columns(["Churn"]), "MissingColumn", ("Column Churn",)),
    Case("missing id", lambda t: t.drop_columns(["customerID"]), "MissingColumn", ("Column customerID",)),
    Case(
        "text for a number",
        lambda t: with_cell(t, "MonthlyCharges", 17, "a lot"),
        "WrongType",
        ("Column MonthlyCharges", "row 17 of customers.csv", '"a lot"'),
    ),
    Case(
        "infinite number",
        lambda t: with_cell(t, "TotalCharges", 3, "inf"),
        "WrongType",
        ("Column TotalCharges", "row 3 "),
    ),
    Case(
        "unseen category",
        lambda t: with_cell(t, "Contract", 5, "Three year"),
        "UnseenCategory",
        ("Column Contract", "row 5 ", '"Three year"', "Month-to-month, One year, Two year"),
    ),
    Case(
        "unseen numeric category",
        lambda t: with_cell(t, "SeniorCitizen", 6, "2"),
        "UnseenCategory",
        ("Column SeniorCitizen", "row 6 "),
    ),
    Case(
        "category of another case",
        lambda t: with_cell(t, "gender", 1, "male"),
        "UnseenCategory",
        ("Column gender", "row 1 "),
    ),
    Case(
        "negative number",
        lambda t: with_cell(t, "tenure", 600, "-1"),
        "OutOfRange",
        ("Column tenure", "row 600 ", "[0, 1200]"),
    ),
    Case(
        "too large a number",
        lambda t: with_cell(t, "MonthlyCharges", 2, "10000.01"),
        "OutOfRange",
        ("Column MonthlyCharges", "row 2 "),
    ),
    Case("blank number", lambda t: with_cell(t, "tenure", 8, ""), "MissingValue", ("Column tenure", "row 8 ")),
    Case("blank category", lambda t: with_cell(t, "Partner", 9, "  "), "MissingValue", ("Column Partner", "row 9 ")),
    Case("blank id", lambda t: with_cell(t, "customerID", 10, ""), "MissingValue", ("Column customerID", "row 10 ")),
    Case("blank target", lambda t: with_cell(t, "Churn", 11, ""), "MissingValue", ("Column Churn", "row 11 ")),
    Case(
        "unknown target value",
        lambda t: with_cell(t, "Churn", 12, "Maybe"),
        "UnknownTargetValue",
        ("Column Churn", "row 12 ", '"Maybe"', "No and Yes"),
    ),
    Case(
        "duplicate id",
        _duplicate,
        "DuplicateId",
        ("Column customerID", "row 40 of customers.csv", "row 12 of customers.csv"),
    ),
    Case("one class only", _one_class, "SingleClass", ("Column Churn", '"No"', "600 rows")),
    Case("no rows", lambda t: t.slice(0, 0), "EmptyDataset", ("Churn",)),
    Case("target as a feature", _leak, "TargetLeaked", ("Column Partner", "1.000", "row ")),
    Case("a number that tells the target", _number_leak, "TargetLeaked", ("Column tenure", "row ")),
    Case("too few of a class", _few_positives, "TooFewRows", ("column Churn", "rarer class"), step="preprocess"),
)


@pytest.mark.unit
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_data_is_refused_in_words(case: Case, tmp_path: Path) -> None:
    data = write(tmp_path, case.spoil(customers()))
    wish = request(data, tmp_path, key="k")

    with pytest.raises(DataRejected) as caught:
        run_locally(wish)

    assert caught.value.reason == case.reason
    assert [part for part in case.says if part not in caught.value.message] == [], caught.value.message
    report = Report.model_validate_json((tmp_path / "out/report.json").read_bytes())
    assert report.outcome is Outcome.REJECTED
    assert report.failure is not None
    assert (report.failure.step, report.failure.reason) == (case.step, case.reason)
    assert report.failure.message == caught.value.message


@pytest.mark.unit
@pytest.mark.parametrize(
    ("values", "bounds", "says"),
    [
        (pa.array([2**53 + 1], pa.int64()), {"minimum": 0, "maximum": 1200}, "is not within [0, 1200]"),
        (pa.array([1e39]), {}, "1e+39 is larger than a model can hold, 3.40282e+38"),
        (pa.array([-1e300]), {"maximum": 5}, "-1e+300 is larger than a model can hold"),
    ],
    ids=["integer that a float rounds", "beyond a small float", "below a small float"],
)
def test_a_huge_number_is_refused_by_its_row(
    values: pa.Array, bounds: dict[str, float], says: str, tmp_path: Path
) -> None:
    table = customers().select(["customerID", "Churn"])
    months = pa.concat_arrays([pa.array([1] * 10).cast(values.type), values, pa.array([1] * 589).cast(values.type)])
    pq.write_table(table.append_column("tenure", months), tmp_path / "c.parquet")
    columns = json.dumps([{"name": "tenure", "kind": "number", **bounds}])

    with pytest.raises(DataRejected) as caught:
        run_locally(request(tmp_path / "c.parquet", tmp_path, columns=columns))

    assert caught.value.reason == "OutOfRange"
    assert "Column tenure, row 11 of c.parquet" in caught.value.message
    assert says in caught.value.message


@pytest.mark.unit
def test_the_customer_is_named_beside_the_row(tmp_path: Path) -> None:
    table = customers()
    data = write(tmp_path, with_cell(table, "tenure", 17, "x"))

    with pytest.raises(DataRejected, match=rf"row 17 of customers.csv \(customer {table.column('customerID')[16]}\)"):
        run_locally(request(data, tmp_path))


@pytest.mark.unit
def test_rows_are_counted_within_their_own_file(tmp_path: Path) -> None:
    table = customers()
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, table.slice(0, 300), "a.csv")
    write(folder, with_cell(table.slice(300), "tenure", 7, "x"), "b.csv")

    with pytest.raises(DataRejected, match=r"Column tenure, row 7 of b\.csv"):
        run_locally(request(folder, tmp_path))


@pytest.mark.unit
def test_a_duplicate_across_files_names_both(tmp_path: Path) -> None:
    table = customers()
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, table.slice(0, 300), "a.csv")
    write(folder, with_cell(table.slice(300), "customerID", 2, table.column("customerID")[4].as_py()), "b.csv")

    with pytest.raises(DataRejected, match=r"row 2 of b\.csv: .* row 5 of a\.csv"):
        run_locally(request(folder, tmp_path))


@pytest.mark.unit
def test_like_rows_of_different_customers_pass(tmp_path: Path) -> None:
    table = customers()
    twins = pa.concat_tables([table, with_column(table.slice(0, 1), "customerID", ["9999-OTHER"])])

    report = run_locally(request(write(tmp_path, twins), tmp_path, algorithm="logisticRegression"))

    assert report.dataset is not None
    assert report.dataset.rows == 601


@pytest.mark.unit
def test_a_changed_dataset_is_refused(tmp_path: Path) -> None:
    data = write(tmp_path, customers())

    with pytest.raises(DataRejected) as caught:
        run_locally(request(data, tmp_path, dataset_digest="0" * 64))

    assert caught.value.reason == "DatasetChanged"
