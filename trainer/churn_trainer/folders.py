"""The folders that steps hand to one another: each is one artifact of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from churn_report import DataContract

from churn_trainer.request import RunRequest
from churn_trainer.results import Evaluation, Training

PLOT_NAMES = ("roc", "calibration", "confusion")


@dataclass(frozen=True)
class ValidatedFolder:
    """What validate leaves: the request, the contract, the dataset's digest and the table."""

    path: Path

    @property
    def request_file(self) -> Path:
        return self.path / "request.json"

    @property
    def contract_file(self) -> Path:
        return self.path / "contract.json"

    @property
    def digest_file(self) -> Path:
        return self.path / "digest"

    @property
    def table(self) -> Path:
        return self.path / "customers.parquet"

    @property
    def request(self) -> RunRequest:
        return RunRequest.model_validate_json(self.request_file.read_bytes())

    @property
    def contract(self) -> DataContract:
        return DataContract.model_validate_json(self.contract_file.read_bytes())


@dataclass(frozen=True)
class PreparedFolder:
    """What preprocess leaves: the encoded training part and the raw holdout."""

    path: Path

    @property
    def rows(self) -> Path:
        return self.path / "rows.npy"

    @property
    def positive(self) -> Path:
        return self.path / "positive.npy"

    @property
    def holdout(self) -> Path:
        return self.path / "holdout.parquet"


@dataclass(frozen=True)
class ModelFolder:
    """What train leaves: the fitted Pipeline and how it was chosen."""

    path: Path

    @property
    def model(self) -> Path:
        return self.path / "model.joblib"

    @property
    def training_file(self) -> Path:
        return self.path / "training.json"

    @property
    def training(self) -> Training:
        return Training.model_validate_json(self.training_file.read_bytes())


@dataclass(frozen=True)
class EvaluatedFolder:
    """What evaluate leaves: the scored holdout, its numbers and its pictures."""

    path: Path

    @property
    def scored(self) -> Path:
        return self.path / "holdout.parquet"

    @property
    def evaluation_file(self) -> Path:
        return self.path / "evaluation.json"

    @property
    def evaluation(self) -> Evaluation:
        return Evaluation.model_validate_json(self.evaluation_file.read_bytes())

    def plot(self, name: str) -> Path:
        return self.path / f"{name}.svg"
