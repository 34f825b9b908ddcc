"""Whole local runs: deterministic, calibrated, honest about what was asked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from churn_report import Report
from churn_trainer.__main__ import main
from churn_trainer.hyperparameters import Algorithm, parse_hyperparameters
from churn_trainer.local import run_locally
from churn_trainer.rejection import RunRejected, SpecRejected

from tests.unit.trainer.tables import customers, request, with_column, write

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_same_seed_gives_the_same_bytes(algorithm: Algorithm, tmp_path: Path) -> None:
    data = write(tmp_path, customers())
    digests = set()
    for name in ("first", "second"):
        run_locally(request(data, tmp_path, algorithm=algorithm, output_uri=str(tmp_path / name), seed=3))
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file() and path.name != "report.json")
        digests.add(tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in files))

    assert len(digests) == 1
    assert len(next(iter(digests))) == 6


def test_another_seed_gives_another_forest(tmp_path: Path) -> None:
    data = write(tmp_path, customers())
    scores = []
    for seed in (1, 2):
        out = tmp_path / str(seed)
        run_locally(request(data, tmp_path, algorithm="randomForest", output_uri=str(out), seed=seed))
        scores.append(pq.read_table(out / "holdout/holdout.parquet").column("score").to_numpy())

    assert np.abs(scores[0] - scores[1]).max() > 0


def test_new_customers_leave_the_old_holdout_as_it_was(tmp_path: Path) -> None:
    table = customers(1500)
    holdouts = []
    for name, rows in (("before", table.slice(200, 900)), ("after", table)):
        out = tmp_path / name
        run_locally(request(write(tmp_path, rows), tmp_path, algorithm="logisticRegression", output_uri=str(out)))
        holdouts.append(set(pq.read_table(out / "holdout/holdout.parquet").column("id").to_pylist()))
    old = set(table.slice(200, 900).column("customerID").to_pylist())

    assert holdouts[0] == holdouts[1] & old
    assert len(holdouts[1]) > len(holdouts[0]) > 0


def test_the_report_tells_what_was_made_and_of_what(tmp_path: Path) -> None:
    data = write(tmp_path, customers(2000))

    report = run_locally(
        request(data, tmp_path, algorithm="histGradientBoosting", hyperparameters='{"max_iter": 30}', key="k", seed=5)
    )

    assert report == Report.model_validate_json((tmp_path / "out/report.json").read_bytes())
    assert report.hyperparameters["max_iter"] == 30
    assert report.hyperparameters["learning_rate"] == 0.05
    assert (report.key, report.seed) == ("k", 5)
    assert {artifact.path for artifact in report.artifacts} == {
        "model/model.joblib",
        "model/contract.json",
        "holdout/holdout.parquet",
        "plots/roc.svg",
        "plots/calibration.svg",
        "plots/confusion.svg",
    }
    model = (tmp_path / "out/model/model.joblib").read_bytes()
    assert report.sha256_of("model/model.joblib") == hashlib.sha256(model).hexdigest()
    assert 0.75 < report.metrics["rocAuc"] < 0.92
    assert sum(entry.count for entry in report.calibration) == report.dataset.holdout_rows  # type: ignore[union-attr]


def test_auto_takes_the_best_by_cross_validation(tmp_path: Path) -> None:
    data = write(tmp_path, customers(1000))
    areas = {
        algorithm: run_locally(request(data, tmp_path, algorithm=algorithm)).metrics["crossValidationRocAuc"]
        for algorithm in Algorithm
    }

    report = run_locally(request(data, tmp_path, algorithm="auto"))

    assert report.metrics["crossValidationRocAuc"] == max(areas.values())
    assert areas[Algorithm(str(report.algorithm))] == max(areas.values())


def test_every_algorithm_is_calibrated_and_near_the_ceiling(tmp_path: Path) -> None:
    data = write(tmp_path, customers(6000, seed=8))

    for algorithm in Algorithm:
        metrics = run_locally(request(data, tmp_path, algorithm=algorithm)).metrics
        assert 0.83 < metrics["crossValidationRocAuc"] < 0.87, algorithm
        assert metrics["crossValidationCalibrationError"] < 0.02, algorithm


@pytest.mark.parametrize("positive_first", [True, False])
def test_a_declared_contract_with_labels_of_its_own(positive_first: bool, tmp_path: Path) -> None:
    table = customers(800)
    positive, negative = ("gone", "here") if positive_first else ("left", "active")
    labels = [positive if churn == "Yes" else negative for churn in table.column("Churn").to_pylist()]
    table = with_column(table, "Churn", labels).select(["customerID", "tenure", "Contract", "Churn"])
    columns = [
        {"name": "tenure", "kind": "number", "minimum": 0},
        {"name": "Contract", "kind": "category", "categories": ["Two year", "Month-to-month", "One year"]},
    ]

    report = run_locally(
        request(write(tmp_path, table), tmp_path, columns=json.dumps(columns), positive_label=positive)
    )

    contract = json.loads((tmp_path / "out/model/contract.json").read_text())
    assert (contract["positive_label"], contract["negative_label"]) == (positive, negative)
    assert report.metrics["rocAuc"] > 0.7
    model = joblib.load(tmp_path / "out/model/model.joblib")
    position = list(model.classes_).index(positive)
    risky, safe = model.predict_proba(np.array([[1, "Month-to-month"], [70, "Two year"]], dtype=object))[:, position]
    assert risky > 0.4 > safe


def test_typed_parquet_gives_the_same_model_as_text(tmp_path: Path) -> None:
    table = customers(800)
    numbers = {"tenure": pa.int32(), "MonthlyCharges": pa.float64(), "TotalCharges": pa.float64()}
    typed = table.cast(pa.schema([(name, numbers.get(name, pa.string())) for name in table.column_names]))
    pq.write_table(typed.set_column(2, "SeniorCitizen", typed.column(2).cast(pa.float64())), tmp_path / "c.parquet")
    csv = run_locally(request(write(tmp_path, table), tmp_path, algorithm="logisticRegression"))

    parquet = run_locally(request(tmp_path / "c.parquet", tmp_path, algorithm="logisticRegression"))

    assert parquet.sha256_of("model/model.joblib") == csv.sha256_of("model/model.joblib")


@pytest.mark.parametrize(
    ("algorithm", "hyperparameters", "reason", "says"),
    [
        ("svm", "{}", "UnknownAlgorithm", "use auto, logisticRegression, histGradientBoosting, randomForest"),
        ("auto", '{"C": 1}', "InvalidHyperparameter", "name one algorithm"),
        ("logisticRegression", '{"learning_rate": 1}', "InvalidHyperparameter", "use C, fit_intercept, max_iter, tol"),
        ("logisticRegression", '{"class_weight": "balanced"}', "InvalidHyperparameter", "class_weight is no"),
        ("histGradientBoosting", '{"learningRate": 1}', "InvalidHyperparameter", "learning_rate"),
        ("randomForest", '{"n_estimators": 0}', "InvalidHyperparameter", "whole number from 1 on, not 0"),
        ("randomForest", '{"n_estimators": true}', "InvalidHyperparameter", "not True"),
        ("randomForest", "[1]", "InvalidHyperparameter", "no JSON object"),
        ("randomForest", "{", "InvalidHyperparameter", "no JSON"),
        ("logisticRegression", '{"C": -1}', "InvalidHyperparameter", "'C' parameter"),
        ("histGradientBoosting", '{"learning_rate": "fast"}', "InvalidHyperparameter", "'learning_rate' parameter"),
    ],
)
def test_an_unfit_wish_is_refused(algorithm: str, hyperparameters: str, reason: str, says: str, tmp_path: Path) -> None:
    wish = request(write(tmp_path, customers(300)), tmp_path, algorithm=algorithm, hyperparameters=hyperparameters)

    with pytest.raises(SpecRejected) as caught:
        run_locally(wish)

    assert caught.value.reason == reason
    assert says in caught.value.message
    failure = Report.model_validate_json((tmp_path / "out/report.json").read_bytes()).failure
    assert failure is not None
    assert failure.reason == reason


@pytest.mark.parametrize(
    ("columns", "reason", "says"),
    [
        ("[]", "InvalidContract", "columns is empty"),
        ("{", "InvalidContract", "columns: the list"),
        ('[{"name": "a", "kind": "text"}]', "InvalidContract", "0.kind"),
        ('[{"name": "a", "kind": "category"}]', "InvalidContract", "column a declares no categories"),
        ('[{"name": "a", "kind": "category", "categories": ["x", "x"]}]', "InvalidContract", "Column a declares"),
        ('[{"name": "a", "kind": "category", "categories": ["x", "y "]}]', "InvalidContract", 'category "y "'),
        ('[{"name": "a", "kind": "category", "categories": ["x", ""]}]', "InvalidContract", "set nullable"),
        ('[{"name": "a", "kind": "number", "categories": ["x"]}]', "InvalidContract", "column a declares categories"),
        ('[{"name": "a", "kind": "number"}, {"name": "a", "kind": "number"}]', "InvalidContract", "a is declared more"),
        ('[{"name": "a", "kind": "number", "minimum": 2, "maximum": 1}]', "InvalidContract", "column a, 2, is above"),
        (
            json.dumps([{"name": "a", "kind": "category", "categories": [f"c{number}" for number in range(256)]}]),
            "InvalidContract",
            "Column a declares 256 categories: at most 255",
        ),
        ('[{"name": "customerID", "kind": "number"}]', "InvalidContract", "Column customerID is the customer id"),
        ('[{"name": "Churn", "kind": "number"}]', "TargetLeaked", "Column Churn is the target and a feature"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(columns: str, reason: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(RunRejected) as caught:
        run_locally(request(write(tmp_path, customers(300)), tmp_path, columns=columns))

    assert caught.value.reason == reason
    assert says in caught.value.message


def test_known_hyperparameters_pass_through() -> None:
    assert parse_hyperparameters("randomForest", '{"max_depth": 4, "max_features": "sqrt"}') == {
        "max_depth": 4,
        "max_features": "sqrt",
    }


def test_the_command_line_trains_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = tmp_path / "c.csv", tmp_path / "out"
    assert main(["generate", "--rows", "500", "--seed", "2", "--out", str(data)]) == 0

    assert main(["train", "--data", str(data), "--out", str(out), "--algorithm", "logisticRegression"]) == 0
    assert "rocAuc" in capsys.readouterr().out
    assert main(["train", "--data", str(data), "--out", str(out), "--target", "Left"]) == 2
    assert "MissingColumn: Column Left is missing" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write(tmp_path, customers(300).drop_columns(["tenure"]))

    assert main(["train", "--data", str(data), "--out", str(data)]) == 1
    said = capsys.readouterr().err
    assert str(data) in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("uri", "endpoint", "says"),
    [
        ("s3://A_b!/x.csv", "http://127.0.0.1:9", "s3://A_b!/x.csv names a bucket that cannot be"),
        ("s3://churn/x.csv", "http://me:secret@127.0.0.1:9", "The S3 endpoint cannot be used: username in endpoint"),
    ],
)
def test_an_address_that_cannot_be_is_refused(uri: str, endpoint: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SpecRejected) as caught:
        run_locally(request(Path("x"), tmp_path, s3_endpoint=endpoint).model_copy(update={"dataset_uri": uri}))

    assert caught.value.reason == "InvalidUri"
    assert says in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("seed", ["-1", "4294967296"])
def test_a_seed_that_is_none_is_refused(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--data", "c.csv", "--out", "out", "--seed", seed])

    assert f"{seed} is not between 0 and 4294967295" in capsys.readouterr().err
