"""Predictions: what was uploaded, encoded, scored, and priced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churn_report import DataContract

from churn_webapp.errors import InvalidCustomer
from churn_webapp.prediction.encoding import Customer, encode
from churn_webapp.prediction.model import ModelClient, Score
from churn_webapp.prediction.profit import expected_profit
from churn_webapp.prediction.upload import Upload
from churn_webapp.story.churn_model import ChurnModel

LIKELY, NOT_LIKELY = "likely to churn", "not likely to churn"


@dataclass(frozen=True)
class Prediction:
    """The answer about one customer. `row` counts from 1 in what was sent."""

    row: int
    customer_id: str
    label: str
    churns: bool
    probability: float
    profit: float
    version: str

    @property
    def answer(self) -> str:
        """In words."""
        return LIKELY if self.churns else NOT_LIKELY


@dataclass(frozen=True)
class Problem:
    """A customer that could not be predicted, and why."""

    row: int
    customer_id: str
    sentence: str


@dataclass(frozen=True)
class Predicted:
    """All answers to one upload."""

    model: str
    upload: Upload
    predictions: tuple[Prediction, ...]
    problems: tuple[Problem, ...]
    asked: Customer
    """The first customer as the model got it: what was label encoded is readable here."""

    @property
    def churning(self) -> int:
        """How many are likely to churn."""
        return sum(prediction.churns for prediction in self.predictions)

    @property
    def worth_contacting(self) -> tuple[Prediction, ...]:
        """Those whom an offer is expected to earn more than it costs."""
        return tuple(prediction for prediction in self.predictions if prediction.profit > 0)

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that answered."""
        return tuple(
            sorted({prediction.version for prediction in self.predictions}, key=lambda name: (len(name), name))
        )


def predict(client: ModelClient, model: ChurnModel, contract: DataContract, upload: Upload) -> Predicted:
    """Predict everybody who can be read; who cannot is in `problems`.

    Raises InvalidCustomer if nobody can be read or the model refuses one, else as ModelClient.predict.
    """
    readable: dict[int, Customer] = {}
    problems: list[Problem] = []
    first: InvalidCustomer | None = None
    for index, values in enumerate(upload.rows):
        try:
            readable[index] = encode(values, contract, None if upload.single else index)
        except InvalidCustomer as error:
            first = first or error
            problems.append(Problem(index + 1, _id(values, contract), error.sentence))
    if first is not None and not readable:
        raise first
    scores = _scores(client, model, readable, upload.single)
    predictions = tuple(
        _prediction(index, upload.rows[index], score, contract) for index, score in zip(readable, scores, strict=True)
    )
    return Predicted(model.key, upload, predictions, tuple(problems), asked=next(iter(readable.values())))


def _scores(client: ModelClient, model: ChurnModel, readable: Mapping[int, Customer], single: bool) -> list[Score]:
    """Those of the readable customers. Who is refused is named by the place in the upload."""
    try:
        return client.predict(model, list(readable.values()))
    except InvalidCustomer as error:
        index = None if single or error.index is None else list(readable)[error.index]
        raise InvalidCustomer(error.what, index) from error


def _prediction(index: int, values: Mapping[str, Any], score: Score, contract: DataContract) -> Prediction:
    return Prediction(
        row=index + 1,
        customer_id=_id(values, contract),
        label=score.label,
        churns=score.label == contract.positive_label,
        probability=score.probability,
        profit=expected_profit(score.probability),
        version=score.version,
    )


def _id(values: Mapping[str, Any], contract: DataContract) -> str:
    value = values.get(contract.id_column)
    return "" if value is None else str(value)
