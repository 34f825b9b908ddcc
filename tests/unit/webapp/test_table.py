"""The table of predictions, its file, and how long it is kept."""

from __future__ import annotations

import csv
import io

import pytest
from churn_webapp.errors import NotFound
from churn_webapp.prediction.download import csv_lines
from churn_webapp.prediction.results import Results
from churn_webapp.prediction.table import PAGE_ROWS, Order, sort, table_page

from tests.unit.webapp.predictions import predicted

THREE = predicted([{"customerID": name} for name in ("b", "c", "a")], [0.2, 0.9, 0.5])


@pytest.mark.parametrize(
    ("order", "descending", "ids"),
    [
        (Order.RISK, True, "cab"),
        (Order.RISK, False, "bac"),
        (Order.PROFIT, True, "cab"),
        (Order.CUSTOMER, False, "abc"),
        (Order.ROW, False, "bca"),
        (Order.VERSION, False, "bca"),
    ],
)
def test_it_sorts(order: Order, descending: bool, ids: str) -> None:
    assert "".join(one.customer_id for one in sort(THREE.predictions, order, descending)) == ids


def test_pages_hold_everybody_once() -> None:
    many = predicted([{"customerID": str(number)} for number in range(250)], [number / 250 for number in range(250)])
    pages = [table_page(many.predictions, Order.RISK, True, number) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [PAGE_ROWS, PAGE_ROWS, 50]
    assert [page.first for page in pages] == [1, 101, 201]
    assert len({one.row for page in pages for one in page.rows}) == 250


@pytest.mark.parametrize("number", [-1, 0, 99])
def test_a_page_that_is_none_gives_one_that_is(number: int) -> None:
    assert table_page(THREE.predictions, Order.RISK, True, number).number == 1


def file_of(cell: str) -> str:
    return "".join(csv_lines(one := predicted([{"customerID": cell}], [0.75]), one.predictions))


def written(cell: str) -> str:
    table = file_of(cell).removeprefix("\ufeff")
    return next(csv.DictReader(io.StringIO(table, newline="")))["customerID"]


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        '=HYPERLINK("http://x")',
        "＝1+1",
        "＠SUM(A1)",
    ],
)
def test_a_spreadsheet_takes_no_cell_for_a_formula(cell: str) -> None:
    assert written(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-5", "+49.5", "-1e3", "7590-VHVEG", "a=b", "Müller, A.", ""])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert written(cell) == cell


@pytest.mark.parametrize(("cell", "marked"), [("Müller", True), ("Muller", False)])
def test_excel_is_told_of_utf_8_where_that_matters(cell: str, marked: bool) -> None:
    assert file_of(cell).startswith("\ufeffcustomerID" if marked else "customerID")


def test_the_header_is_safe_too_and_no_column_is_overwritten() -> None:
    one = predicted([{"=x": "1", "churn": "sent"}], [0.75])
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(one, one.predictions)), newline="")))
    assert rows == [
        {
            "'=x": "1",
            "churn": "sent",
            "predicted_churn": "Yes",
            "probability": "0.750000",
            "expected_profit": "39.25",
            "version": "2",
        }
    ]


def test_results_are_for_the_browser_that_asked() -> None:
    results = Results()
    identifier = results.keep("mine", THREE)
    assert results.find("mine", identifier) is THREE
    with pytest.raises(NotFound):
        results.find("yours", identifier)


def test_results_end() -> None:
    results = Results(kept_seconds=0)
    identifier = results.keep("mine", THREE)
    with pytest.raises(NotFound, match="kept for half an hour"):
        results.find("mine", identifier)


def test_the_oldest_results_make_room() -> None:
    results = Results(most_cells=5)
    first, second = results.keep("mine", THREE), results.keep("mine", THREE)
    assert results.find("mine", second) is THREE
    with pytest.raises(NotFound):
        results.find("mine", first)
