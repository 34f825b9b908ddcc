"""Whole local runs with a champion: the comparison in the report, and every reason why there is none."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from churn_report import Comparison, Outcome, Report
from churn_report.telco import TELCO_COLUMNS
from churn_trainer import champion as champion_module
from churn_trainer.local import run_locally
from churn_trainer.metrics import all_metrics
from churn_trainer.rejection import SpecRejected
from churn_trainer.request import RunRequest

from tests.unit.trainer.tables import customers, request, with_column, write

pytestmark = [pytest.mark.unit, pytest.mark.slow]


@dataclass(frozen=True)
class InService:
    """A champion's model folder with its digest, and the data it learned from."""

    folder: Path
    sha256: str
    data: Path

    def run(self, folder: Path, data: Path | None = None, **wishes: str | int) -> Comparison:
        """The comparison in the report of a candidate."""
        wish = {
            "algorithm": "logisticRegression",
            "champion_uri": str(self.folder),
            "champion_sha256": self.sha256,
            "champion_version": "3",
            **wishes,
        }
        report = run_locally(request(data or self.data, folder, **wish))
        assert report.outcome is Outcome.SUCCEEDED
        assert report == Report.model_validate_json((folder / "out/report.json").read_bytes())
        assert report.comparison is not None
        return report.comparison


@pytest.fixture
def in_service(tmp_path: Path) -> InService:
    data = write(tmp_path, customers(1500), "first.csv")
    run_locally(
        RunRequest(dataset_uri=str(data), output_uri=str(tmp_path / "champion"), algorithm="logisticRegression")
    )
    folder = tmp_path / "champion/model"
    return InService(folder, hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest(), data)


def _scores(out: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    table = pq.read_table(out / "holdout/holdout.parquet")
    return table.column("target").to_numpy() == 1, table.column("score").to_numpy()


def test_without_a_champion_the_report_compares_nothing(in_service: InService, tmp_path: Path) -> None:
    assert run_locally(request(in_service.data, tmp_path, algorithm="logisticRegression")).comparison is None


def test_the_same_model_again_is_no_different(in_service: InService, tmp_path: Path) -> None:
    found = in_service.run(tmp_path)

    assert found.champion_sha256 == in_service.sha256
    assert {(result.difference, result.lower, result.upper) for result in found.results} == {(0, 0, 0)}
    assert len(found.results) == 11


def test_a_hobbled_candidate_is_found_worse(in_service: InService, tmp_path: Path) -> None:
    found = in_service.run(tmp_path, hyperparameters='{"C": 1e-6}', champion_confidence="0.9").of("logLoss")

    assert found is not None
    assert found.upper < 0
    assert found.confidence == 0.9
    assert found.candidate > found.champion


def test_changed_data_is_scored_by_both_models_row_by_row(in_service: InService, tmp_path: Path) -> None:
    table = customers(2500, seed=9)
    # Columns stand elsewhere, and one more has come.
    table = table.select(table.column_names[::-1]).append_column("Region", pa.array(["north"] * len(table)))

    found = in_service.run(tmp_path, write(tmp_path, table, "second.csv"))

    positive, scores = _scores(tmp_path / "out")
    assert found.rows == len(positive)
    auc = found.of("rocAuc")
    assert auc is not None
    assert auc.candidate == all_metrics(positive, scores)["rocAuc"]
    model = joblib.load(in_service.folder / "model.joblib")
    ids = set(pq.read_table(tmp_path / "out/holdout/holdout.parquet").column("id").to_pylist())
    rows = [row for row in table.to_pylist() if row["customerID"] in ids]
    raw = np.array([[row[column.name] for column in TELCO_COLUMNS] for row in rows], dtype=object)
    theirs = model.predict_proba(raw)[:, list(model.classes_).index("Yes")]
    truth = np.array([row["Churn"] == "Yes" for row in rows])
    assert auc.champion == pytest.approx(all_metrics(truth, theirs)["rocAuc"])
    assert auc.lower < auc.difference < auc.upper


def test_a_candidate_with_more_columns_and_another_order_is_compared(in_service: InService, tmp_path: Path) -> None:
    table = customers(1500)
    table = table.append_column("Region", pa.array(["north", "south"] * (len(table) // 2)))
    region = {"name": "Region", "kind": "category", "categories": ["north", "south"]}
    columns = [region, *(column.model_dump(mode="json") for column in reversed(TELCO_COLUMNS))]

    found = in_service.run(tmp_path, write(tmp_path, table, "more.csv"), columns=json.dumps(columns))

    auc = found.of("rocAuc")
    assert auc is not None
    assert abs(auc.difference) < 0.02


def test_of_a_large_holdout_a_sample_is_compared(
    in_service: InService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion_module, "MOST_ROWS", 200)

    found = in_service.run(tmp_path, hyperparameters='{"C": 0.01}')

    assert found.rows == 200
    assert len(_scores(tmp_path / "out")[0]) > 200
    assert found == in_service.run(tmp_path, hyperparameters='{"C": 0.01}')


def _no_model(service: InService) -> dict[str, str]:
    (service.folder / "model.joblib").unlink()
    return {}


def _no_contract(service: InService) -> dict[str, str]:
    (service.folder / "contract.json").unlink()
    return {}


def _odd_contract(service: InService) -> dict[str, str]:
    (service.folder / "contract.json").write_text('{"columns": 3}')
    return {}


def _not_a_pickle(service: InService) -> dict[str, str]:
    (service.folder / "model.joblib").write_bytes(b"no pickle")
    return {"champion_sha256": hashlib.sha256(b"no pickle").hexdigest()}


def _another_target(service: InService) -> dict[str, str]:
    return _edit_contract(service, target="Left")


def _other_labels(service: InService) -> dict[str, str]:
    return _edit_contract(service, positive_label="gone", negative_label="here")


def _edit_contract(service: InService, **changes: str) -> dict[str, str]:
    path = service.folder / "contract.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return {}


def _fewer_columns(service: InService) -> dict[str, str]:
    kept = [column.model_dump(mode="json") for column in TELCO_COLUMNS if column.name not in {"Contract", "tenure"}]
    return {"columns": json.dumps(kept)}


def _another_scheme(service: InService) -> dict[str, str]:
    return {"champion_uri": "gs://bucket/model"}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_no_model, "the champion, version 3, is gone: "),
        (_no_contract, "the champion, version 3, is gone: "),
        (_odd_contract, "the contract.json of the champion, version 3, is no data contract"),
        (_not_a_pickle, "cannot be loaded here"),
        (_another_target, "the champion predicts Left, and this run Churn"),
        (_other_labels, "the champion tells gone from here, and this run Yes from No"),
        (_fewer_columns, "the champion needs the columns tenure, Contract, which"),
        (_another_scheme, "unknown scheme"),
    ],
)
def test_what_stands_in_the_way_is_told_and_the_run_succeeds(
    spoil: Callable[[InService], dict[str, str]], says: str, in_service: InService, tmp_path: Path
) -> None:
    found = in_service.run(tmp_path, **spoil(in_service))

    assert found.unavailable is not None
    assert says in found.unavailable
    assert not found.unavailable.endswith(".")


def test_a_value_that_the_champion_never_knew_is_told(in_service: InService, tmp_path: Path) -> None:
    table = customers(1500)
    payments = ["Crypto" if row % 5 == 0 else value for row, value in enumerate(_texts(table, "PaymentMethod"))]
    columns = [column.model_dump(mode="json") for column in TELCO_COLUMNS]
    for column in columns:
        if column["name"] == "PaymentMethod":
            column["categories"] = [*column["categories"], "Crypto"]

    found = in_service.run(
        tmp_path,
        write(tmp_path, with_column(table, "PaymentMethod", payments), "crypto.csv"),
        columns=json.dumps(columns),
    )

    assert found.unavailable is not None
    assert found.unavailable.startswith("the champion cannot score this run's holdout: ValueError")
    assert "Crypto" in found.unavailable


def _texts(table: pa.Table, column: str) -> list[str]:
    return [str(value) for value in table.column(column).to_pylist()]


def test_a_holdout_that_is_too_small_is_told(in_service: InService, tmp_path: Path) -> None:
    found = in_service.run(tmp_path, write(tmp_path, customers(300), "few.csv"))

    assert found.unavailable is not None
    assert "where at least 100 and 20 are needed" in found.unavailable


class _Trap:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str, bytes], int], tuple[str, bytes]]:
        return _spring, (str(self.path), b"sprung")


def _spring(path: str, content: bytes) -> int:
    return Path(path).write_bytes(content)


def test_a_model_of_another_digest_is_never_unpickled(in_service: InService, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = pickle.dumps(_Trap(sprung))
    (in_service.folder / "model.joblib").write_bytes(trap)

    found = in_service.run(tmp_path)

    assert found.unavailable is not None
    assert f"has sha256 {hashlib.sha256(trap).hexdigest()[:12]}" in found.unavailable
    assert "it was not loaded" in found.unavailable
    assert not sprung.exists()
    pickle.loads(trap)
    assert sprung.exists(), "the trap works"


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"champion_sha256": ""}, "64 hex digits"),
        ({"champion_sha256": "A" * 64}, "64 hex digits"),
        ({"champion_confidence": "95"}, "0.5 up to below 1"),
        ({"champion_confidence": "1"}, "0.5 up to below 1"),
        ({"champion_confidence": "high"}, "not 'high'"),
    ],
)
def test_an_impossible_wish_is_refused(wish: dict[str, str], says: str, tmp_path: Path) -> None:
    data = write(tmp_path, customers(300))
    champion = {"champion_uri": str(tmp_path), "champion_sha256": "a" * 64}

    with pytest.raises(SpecRejected, match=says) as caught:
        run_locally(request(data, tmp_path, **{**champion, **wish}))

    assert caught.value.reason == "InvalidChampion"
