"""Invented customers that look like those of the Telco table, for the demo and the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

_BATCH_ROWS = 100_000
_NEWCOMERS = 0.002
"""Share of customers who have had no bill yet, as in the Telco table."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CONTRACTS = np.array(["Month-to-month", "One year", "Two year"])
_INTERNET = np.array(["DSL", "Fiber optic", "No"])
_PAYMENTS = np.array(["Bank transfer (automatic)", "Credit card (automatic)", "Electronic check", "Mailed check"])
_OPTION_PRICES = {
    "OnlineSecurity": 5.0,
    "OnlineBackup": 5.0,
    "DeviceProtection": 5.0,
    "TechSupport": 5.0,
    "StreamingTV": 10.0,
    "StreamingMovies": 10.0,
}


def make_customers(rows: int, seed: int) -> pa.Table:
    """`rows` customers with an id and Churn, in the columns of the Telco file; the same for the same seed.

    Churn is drawn from a logistic model of contract, tenure, internet service and options, with enough
    chance in it that an honest model reaches a ROC AUC of 0.83 to 0.86. About a quarter churns.
    """
    random = np.random.default_rng(seed)
    tenure = _tenure(random, rows)
    contract = _contract(random, tenure)
    internet = random.choice(3, rows, p=[0.345, 0.44, 0.215])
    senior = random.random(rows) < np.where(internet == 1, 0.24, 0.09)
    partner = random.random(rows) < 0.3 + 0.005 * tenure
    dependents = random.random(rows) < np.where(partner, 0.5, 0.09)
    phone = (random.random(rows) < 0.9) | (internet != 0)
    lines = phone & (random.random(rows) < 0.25 + 0.006 * tenure)
    options = {name: random.random(rows) < 0.25 + 0.005 * tenure for name in _OPTION_PRICES}
    paperless = random.random(rows) < np.array([0.55, 0.78, 0.3])[internet]
    payment = _payment(random, internet, contract)
    monthly = _monthly_charges(random, internet, phone, lines, options)
    churned = random.random(rows) < _churn_probability(
        tenure, contract, internet, senior, dependents, options, paperless, payment
    )
    return pa.table(
        {
            "customerID": _ids(random, rows),
            "gender": np.where(random.random(rows) < 0.5, "Male", "Female"),
            "SeniorCitizen": senior.astype(np.int8),
            "Partner": _yes_no(partner),
            "Dependents": _yes_no(dependents),
            "tenure": tenure,
            "PhoneService": _yes_no(phone),
            "MultipleLines": np.where(phone, _yes_no(lines), "No phone service"),
            "InternetService": _INTERNET[internet],
            **{
                name: np.where(internet == 2, "No internet service", _yes_no(chosen))
                for name, chosen in options.items()
            },
            "Contract": _CONTRACTS[contract],
            "PaperlessBilling": _yes_no(paperless),
            "PaymentMethod": _PAYMENTS[payment],
            "MonthlyCharges": monthly,
            "TotalCharges": _total_charges(random, tenure, monthly),
            "Churn": _yes_no(churned),
        }
    )


def write_customers(path: Path, *, rows: int, seed: int) -> None:
    """Writes `rows` customers to `path`: Parquet if its name ends in .parquet, else CSV. Memory is bounded.

    The first 100,000 are those of `make_customers(rows, seed)`; ids never repeat within a file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = make_customers(1, seed).schema
    writer = pq.ParquetWriter(path, schema) if path.suffix == ".parquet" else pacsv.CSVWriter(path, schema)
    with writer:
        for number, start in enumerate(range(0, rows, _BATCH_ROWS)):
            batch = make_customers(min(_BATCH_ROWS, rows - start), seed + number)
            if number:
                ids = pa.array([f"{name}-{number}" for name in batch.column("customerID").to_pylist()])
                batch = batch.set_column(0, "customerID", ids)
            writer.write_table(batch)


def _tenure(random: np.random.Generator, rows: int) -> NDArray[np.int64]:
    """Months as a customer, 0 to 72: many new ones and many old ones, as in the Telco table."""
    share = np.where(random.random(rows) < 0.55, random.beta(0.6, 1.8, rows), random.beta(2.2, 0.7, rows))
    months = np.maximum(1, np.round(72 * share)).astype(np.int64)
    return np.where(random.random(rows) < _NEWCOMERS, 0, months)


def _contract(random: np.random.Generator, tenure: NDArray[np.int64]) -> NDArray[np.intp]:
    draw = random.random(len(tenure))
    monthly = np.clip(0.95 - 0.011 * tenure, 0.1, 1)
    yearly = monthly + (1 - monthly) * np.clip(0.75 - 0.006 * tenure, 0.2, 1)
    return np.where(draw < monthly, 0, np.where(draw < yearly, 1, 2))


def _payment(random: np.random.Generator, internet: NDArray[np.intp], contract: NDArray[np.intp]) -> NDArray[np.intp]:
    draw = random.random(len(internet))
    electronic = np.where((internet == 1) & (contract == 0), 0.6, 0.2)
    mailed = electronic + np.where(internet == 2, 0.45, 0.2) * (1 - electronic)
    return np.where(draw < electronic, 2, np.where(draw < mailed, 3, (random.random(len(draw)) < 0.5).astype(int)))


def _monthly_charges(
    random: np.random.Generator,
    internet: NDArray[np.intp],
    phone: NDArray[np.bool_],
    lines: NDArray[np.bool_],
    options: dict[str, NDArray[np.bool_]],
) -> NDArray[np.float64]:
    price = np.array([25.0, 50.0, 0.0])[internet] + 20.0 * phone + 5.0 * lines
    for name, chosen in options.items():
        price = price + _OPTION_PRICES[name] * (chosen & (internet != 2))
    noisy = np.maximum(18.25, price + random.normal(0, 0.8, len(price)))
    return np.asarray(np.round(noisy * 20) / 20)


def _total_charges(random: np.random.Generator, tenure: NDArray[np.int64], monthly: NDArray[np.float64]) -> pa.Array:
    """What was charged so far, with the price changes of the years; blank before the first bill."""
    total = np.round(tenure * monthly * np.where(tenure == 1, 1, random.normal(1, 0.03, len(tenure))), 2)
    return pa.array(total, mask=tenure == 0)


def _churn_probability(
    tenure: NDArray[np.int64],
    contract: NDArray[np.intp],
    internet: NDArray[np.intp],
    senior: NDArray[np.bool_],
    dependents: NDArray[np.bool_],
    options: dict[str, NDArray[np.bool_]],
    paperless: NDArray[np.bool_],
    payment: NDArray[np.intp],
) -> NDArray[np.float64]:
    logit = (
        -0.35
        + np.array([0.0, -0.85, -1.75])[contract]
        + np.array([0.0, 0.95, -0.85])[internet]
        - 0.033 * tenure
        + 0.9 * np.exp(-tenure / 4)
        + 0.2 * senior
        - 0.15 * dependents
        + 0.3 * paperless
        + 0.4 * (payment == 2)
    )
    for name, effect in (("OnlineSecurity", -0.4), ("TechSupport", -0.4), ("StreamingMovies", 0.2)):
        logit = logit + effect * (options[name] & (internet != 2))
    return np.asarray(1 / (1 + np.exp(-logit)))


def _ids(random: np.random.Generator, rows: int) -> NDArray[np.str_]:
    """Ids such as 7590-VHVEG; distinct, because number and letters together count through a permutation."""
    start = int(random.integers(0, 10_000 * 26**5))
    # An odd step that 2, 5 and 13 do not divide meets every one of the 10,000 * 26^5 ids once.
    codes = [(start + 7_654_321_987 * index) % (10_000 * 26**5) for index in range(rows)]
    return np.array([f"{code % 10_000:04d}-{_letters(code // 10_000)}" for code in codes])


def _letters(number: int) -> str:
    return "".join(_LETTERS[number // 26**place % 26] for place in range(5))


def _yes_no(chosen: NDArray[np.bool_]) -> NDArray[np.str_]:
    return np.where(chosen, "Yes", "No")
