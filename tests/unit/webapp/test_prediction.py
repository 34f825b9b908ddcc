"""One upload: who is predicted, and how who is not is named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
from churn_webapp.errors import InvalidCustomer, Unavailable
from churn_webapp.prediction.model import ModelClient, Score, _scores
from churn_webapp.prediction.prediction import predict
from churn_webapp.prediction.upload import Upload
from churn_webapp.story.churn_model import ChurnModel

from tests.unit.webapp.contracts import CONTRACT, CUSTOMER
from tests.unit.webapp.objects import churn_model
from tests.unit.webapp.predictions import predicted

MODEL = ChurnModel.parse(churn_model())
UNREADABLE = {**CUSTOMER, "tenure": "long"}


class Refusing:
    """A model whose contract is narrower than the one beside it: it refuses a tenure of 99."""

    def predict(self, model: ChurnModel, customers: Sequence[Mapping[str, Any]]) -> list[Score]:
        """As ModelClient."""
        for place, customer in enumerate(customers):
            if customer["tenure"] == 99:
                raise InvalidCustomer('field "tenure": 99 is above the maximum of 72.', place)
        return [Score("Yes", 0.75, "1") for _ in customers]


def ask(*rows: Mapping[str, Any], single: bool = False) -> Any:
    return predict(cast(ModelClient, Refusing()), MODEL, CONTRACT, Upload(tuple(CUSTOMER), rows, single))


def test_who_the_model_refuses_is_named_by_the_place_in_the_upload() -> None:
    with pytest.raises(InvalidCustomer) as refused:
        ask(UNREADABLE, UNREADABLE, CUSTOMER, {**CUSTOMER, "tenure": 99})
    assert refused.value.sentence == 'Customer 4, field "tenure": 99 is above the maximum of 72.'


def test_a_customer_alone_needs_no_place() -> None:
    with pytest.raises(InvalidCustomer) as refused:
        ask({**CUSTOMER, "tenure": 99}, single=True)
    assert refused.value.sentence == 'Field "tenure": 99 is above the maximum of 72.'


def test_where_nobody_can_be_read_the_first_is_told() -> None:
    with pytest.raises(InvalidCustomer) as refused:
        ask(UNREADABLE, {})
    assert refused.value.sentence == "Customer 1, field “tenure”: “long” is not a number."


@pytest.mark.parametrize(
    "body",
    [
        {"predictions": [1]},
        {"predictions": [{"class": "Yes", "probability": float("nan")}]},
        {"predictions": [{"class": "Yes", "probability": 1.5}]},
        {"predictions": [{"class": "Yes"}]},
        {"predictions": []},
        [],
        "<html>",
    ],
)
def test_answers_that_are_none_are_told(body: Any) -> None:
    answer = httpx.Response(200, text=json.dumps(body))
    with pytest.raises(Unavailable, match="model g"):
        _scores(answer, MODEL, 0, 1)


def test_versions_are_listed_by_their_number() -> None:
    many = predicted([{}, {}], [0.5, 0.5])
    both = tuple(replace(one, version=name) for one, name in zip(many.predictions, ("10", "9"), strict=True))
    assert replace(many, predictions=both).versions == ("9", "10")
