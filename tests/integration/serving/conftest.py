"""A model that the real trainer made, and a server of it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from churn_report import ColumnKind, DataContract

from tests.integration.serving.model_server import ModelServerProcess


@dataclass(frozen=True)
class TrainedModel:
    """A model folder with its digest, and customers as the business writes them."""

    folder: Path
    sha256: str
    contract: DataContract
    customers: list[dict[str, Any]]


@pytest.fixture(scope="session")
def customer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("customers") / "customers.csv"
    _trainer("generate", "--rows", "1500", "--out", str(path))
    return path


@pytest.fixture(scope="session")
def trained(customer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """The trainer's logistic regression."""
    return train(customer_file, tmp_path_factory.mktemp("linear"), "logisticRegression", "{}")


@pytest.fixture(scope="session")
def server(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """A server that all tests share which do not stop it."""
    log = tmp_path_factory.mktemp("server") / "log"
    with ModelServerProcess(trained.folder, trained.sha256, log) as running:
        yield running


def train(data: Path, out: Path, algorithm: str, hyperparameters: str) -> TrainedModel:
    """Run `churn-trainer train` in a process of its own: serving knows the trainer by its files only."""
    _trainer(
        "train", "--data", str(data), "--out", str(out), "--algorithm", algorithm,
        "--hyperparameters", hyperparameters,
    )  # fmt: skip
    report = json.loads((out / "report.json").read_text())
    [sha256] = [entry["sha256"] for entry in report["artifacts"] if entry["path"] == "model/model.joblib"]
    contract = DataContract.model_validate_json((out / "model" / "contract.json").read_bytes())
    with data.open() as lines:
        customers = [_features(line, contract) for line in csv.DictReader(lines)]
    return TrainedModel(out / "model", sha256, contract, customers)


def _features(line: dict[str, str], contract: DataContract) -> dict[str, Any]:
    return {
        column.name: line[column.name]
        if column.kind is ColumnKind.CATEGORY
        else float(line[column.name])
        if line[column.name].strip()
        else None
        for column in contract.columns
    }


def _trainer(*arguments: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "churn_trainer", *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
