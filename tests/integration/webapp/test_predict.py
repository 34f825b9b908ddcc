"""Predictions in a real browser: one customer, thousands, and files that are none."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from churn_webapp.pages.examples import ARTICLE
from playwright.sync_api import Page, expect

from tests.integration.webapp.conftest import ROWS

pytestmark = pytest.mark.cluster

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe\xfd"


def predict(page: Page) -> None:
    page.get_by_role("button", name="Predict").click()


def test_the_article_s_customer_is_likely_to_churn(page: Page) -> None:
    page.goto("/predict")
    page.get_by_label("Or paste customers").fill(json.dumps(ARTICLE))
    predict(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("This customer is likely to churn")
    expect(page.get_by_text("probability of churn")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"Answered by\s*version \d"))
    page.get_by_text("The customer as the model was asked").click()
    expect(page.get_by_role("main")).to_contain_text("Electronic check")


def test_7000_customers_of_a_csv_file(page: Page, customers: Path, tmp_path: Path) -> None:
    page.goto("/predict")
    page.get_by_label("A file of customers").set_input_files(customers)
    predict(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("of 7,000 customers are likely to churn")
    risks = column(page, 4)
    assert len(risks) == 100
    assert risks == sorted(risks, reverse=True)
    page.get_by_role("columnheader", name="Expected profit").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Expected profit")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("columnheader", name="Expected profit").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Expected profit")).to_have_attribute("aria-sort", "ascending")
    profits = column(page, 5)
    assert profits == sorted(profits)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Page 2 of 70")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    download.value.save_as(tmp_path / "predictions.csv")
    rows = table(tmp_path / "predictions.csv")
    sent = {row["customerID"]: row for row in table(customers)}
    assert len(rows) == len(sent) == ROWS
    assert all(row["Contract"] == sent[row["customerID"]]["Contract"] for row in rows)
    assert {row["churn"] for row in rows} == {"Yes", "No"}
    assert [float(row["expected_profit"]) for row in rows] == sorted(float(row["expected_profit"]) for row in rows)


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def column(page: Page, number: int) -> list[float]:
    """The numbers of a column of the table, which counts from 1."""
    cells = page.locator(f"table.customers tbody tr > *:nth-child({number})").all_inner_texts()
    return [float(cell.replace("%", "").replace(",", "")) for cell in cells]


def test_a_file_that_is_no_text(page: Page) -> None:
    page.goto("/predict")
    page.get_by_label("A file of customers").set_input_files(
        {"name": "customers.csv", "mimeType": "text/csv", "buffer": PNG}
    )
    predict(page)
    expect(page.get_by_role("alert")).to_contain_text("This file is not text, so it is neither CSV nor JSON.")
    expect(page.get_by_label("A file of customers")).to_be_visible()


def test_a_csv_file_of_something_else(page: Page) -> None:
    page.goto("/predict")
    page.get_by_label("A file of customers").set_input_files(
        {"name": "invoices.csv", "mimeType": "text/csv", "buffer": b"invoice,amount\n1,20\n"}
    )
    predict(page)
    expect(page.get_by_role("alert")).to_contain_text("The first line names none of the model's columns")


def test_a_file_that_is_too_large(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "customers.csv"
    large.write_bytes(b"x" * (17 * 1024 * 1024))
    page.goto("/predict")
    page.get_by_label("A file of customers").set_input_files(large)
    predict(page)
    expect(page.get_by_role("main")).to_contain_text("At most 16 MiB are taken at once. Split the file.")


def test_who_can_be_read_is_predicted_and_who_cannot_is_named(page: Page) -> None:
    page.goto("/predict")
    page.get_by_label("Or paste customers").fill(json.dumps([ARTICLE, {**ARTICLE, "Contract": 9}, ARTICLE]))
    predict(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 customers are likely to churn")
    expect(page.get_by_role("main")).to_contain_text("1 customer could not be predicted")
    expect(page.get_by_role("main")).to_contain_text("Customer 2, field “Contract”: “9” is not one of the codes")


def test_on_a_phone_the_risk_is_in_sight(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/predict")
    page.get_by_label("Or paste customers").fill(json.dumps([{"customerID": "7590-VHVEG", **ARTICLE}] * 2))
    predict(page)
    risk = page.locator("table.customers tbody tr").first.locator("> *:nth-child(4)")
    expect(risk).to_contain_text("%")
    box, window = risk.bounding_box(), page.get_by_role("region", name="Table: customers").bounding_box()
    assert box is not None
    assert window is not None
    assert box["x"] + box["width"] <= window["x"] + window["width"]


def test_a_wrong_value_keeps_what_was_pasted(page: Page) -> None:
    page.goto("/predict")
    page.get_by_label("Or paste customers").fill(json.dumps({**ARTICLE, "tenure": "long"}))
    predict(page)
    expect(page.get_by_role("alert")).to_contain_text("Field “tenure”: “long” is not a number.")
    expect(page.get_by_label("Or paste customers")).to_have_value(re.compile('"tenure": "long"'))
