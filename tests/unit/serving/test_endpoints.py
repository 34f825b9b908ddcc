"""The prediction routes, from bytes to bytes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from churn_serving.scoring import Scorer
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.serving.application import MAXIMUM_BODY_BYTES, MAXIMUM_INSTANCES, Served, serve
from tests.unit.serving.payloads import JSON, inputs
from tests.unit.serving.telco import CUSTOMER

PREDICT = "/v1/models/churn:predict"
INFER = "/v2/models/churn/infer"


class FixedScorer:
    """Answers one half and a bit to everybody."""

    def probabilities(self, rows: list[list[Any]]) -> NDArray[np.float64]:
        return np.full(len(rows), 0.51)


class BrokenScorer:
    """Fails as a defect of ours would."""

    def probabilities(self, rows: list[list[Any]]) -> NDArray[np.float64]:
        raise ZeroDivisionError("secret detail")


async def post(served: Served, path: str, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    async with served.client() as client:
        return await client.post(path, content=content)


async def test_v1_answers_class_probability_and_version(served: Served, pipeline: Any) -> None:
    answer = await post(served, PREDICT, {"instances": [CUSTOMER, list(CUSTOMER.values())]})
    assert answer.status_code == 200
    assert answer.headers["x-churn-model-version"] == "3"
    body = answer.json()
    assert body["model_name"] == "churn"
    assert body["model_version"] == "3"
    row = np.array([["0", 2.0, "Month-to-month", "Fiber optic", 89.1, 178.2]], dtype=object)
    assert (
        body["predictions"]
        == [{"class": "Yes", "probability": pytest.approx(pipeline.predict_proba(row)[0, 1], abs=1e-6)}] * 2
    )


async def test_v2_answers_two_tensors_and_the_callers_id(served: Served) -> None:
    answer = await post(served, INFER, {"id": "42", "inputs": inputs(2)})
    assert answer.status_code == 200
    assert answer.headers["x-churn-model-version"] == "3"
    body = answer.json()
    assert (body["id"], body["model_name"], body["model_version"]) == ("42", "churn", "3")
    assert body["outputs"][0] == {"name": "class", "datatype": "BYTES", "shape": [2], "data": ["Yes", "Yes"]}
    assert body["outputs"][1]["datatype"] == "FP64"


async def test_both_protocols_give_the_same_probability(served: Served) -> None:
    v1 = await post(served, PREDICT, {"instances": [CUSTOMER]})
    v2 = await post(served, INFER, {"inputs": inputs(1)})
    assert v2.json()["outputs"][1]["data"] == [v1.json()["predictions"][0]["probability"]]


async def test_a_large_batch_is_answered_in_order(served: Served) -> None:
    tenures = list(range(MAXIMUM_INSTANCES))
    answer = await post(served, PREDICT, {"instances": [{**CUSTOMER, "tenure": tenure} for tenure in tenures]})
    probabilities = [prediction["probability"] for prediction in answer.json()["predictions"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(set(probabilities)) == MAXIMUM_INSTANCES


@pytest.mark.parametrize(
    ("path", "body", "status", "sentence"),
    [
        (PREDICT, b"{", 400, "not JSON"),
        (PREDICT, b"", 400, "not JSON"),
        (PREDICT, b'{"instances": [NaN]}', 400, "not JSON"),
        (PREDICT, b"\xff\xfe", 400, "not JSON"),
        (PREDICT, b"[" * 5000, 400, "not JSON"),
        (PREDICT, b'{"instances": {"a": ' + b"[" * 1000 + b"]" * 1000 + b"}}", 400, "must be a list"),
        (PREDICT, [CUSTOMER], 400, "must be a JSON object"),
        (PREDICT, {}, 400, '"instances"'),
        (PREDICT, {"inputs": inputs()}, 400, '"instances"'),
        (PREDICT, {"instances": [CUSTOMER] * 41}, 400, "41 instances"),
        (PREDICT, b" " * (MAXIMUM_BODY_BYTES + 1), 413, "larger than"),
        (INFER, {"instances": [CUSTOMER]}, 400, '"inputs"'),
        (INFER, {"inputs": inputs(0)}, 400, "no instance"),
        (INFER, {"inputs": inputs(41)}, 400, "41 instances"),
        ("/v1/models/other:predict", {"instances": [CUSTOMER]}, 404, '"other" does not exist'),
        ("/v2/models/other/infer", {"inputs": inputs()}, 404, '"other" does not exist'),
        ("/v2/models/churn/versions/4/infer", {"inputs": inputs()}, 404, 'Version "4" does not exist'),
        ("/v1/models/churn:explain", {"instances": [CUSTOMER]}, 404, "no explainer"),
    ],
)
async def test_a_bad_request_is_refused_with_a_sentence(
    served: Served, path: str, body: Any, status: int, sentence: str
) -> None:
    answer = await post(served, path, body)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]
    assert answer.headers["x-churn-model-version"] == "3"


async def test_the_version_in_the_path_is_served_when_it_is_this_one(served: Served) -> None:
    assert (await post(served, "/v2/models/churn/versions/3/infer", {"inputs": inputs()})).status_code == 200


async def test_a_bad_value_in_v2_is_named_by_instance_and_field(served: Served) -> None:
    body = inputs(2)
    body[2]["data"] = ["One year", "Weekly"]
    answer = await post(served, INFER, {"inputs": body})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith('Instance 1, field "Contract": "Weekly" is not one of')


async def test_a_defect_of_ours_is_a_500_that_tells_no_detail() -> None:
    served = serve(BrokenScorer())
    answer = await post(served, PREDICT, {"instances": [CUSTOMER]})
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert served.sample("churn_prediction_errors_total", reason="Internal") == 1
    assert served.sample("churn_prediction_requests_total", protocol="v1", code="500") == 1


async def test_requests_refusals_latency_and_scores_are_counted(served: Served) -> None:
    await post(served, PREDICT, {"instances": [CUSTOMER] * 3})
    await post(served, INFER, {"inputs": inputs(2)})
    await post(served, PREDICT, {"instances": [{**CUSTOMER, "tenure": -1}]})
    assert served.sample("churn_prediction_requests_total", protocol="v1", code="200") == 1
    assert served.sample("churn_prediction_requests_total", protocol="v2", code="200") == 1
    assert served.sample("churn_prediction_requests_total", protocol="v1", code="400") == 1
    assert served.sample("churn_prediction_errors_total", reason="OutOfRange") == 1
    assert served.sample("churn_prediction_duration_seconds_count", protocol="v1") == 2
    assert served.sample("churn_prediction_instances_total") == 5
    assert served.sample("churn_prediction_score_count") == 5
    assert served.sample("churn_model_info", sha256="0" * 64) == 1


async def test_scores_fall_into_their_bucket() -> None:
    served = serve(FixedScorer())
    await post(served, PREDICT, {"instances": [CUSTOMER] * 4})
    assert served.sample("churn_prediction_score_bucket", le="0.5") == 0
    assert served.sample("churn_prediction_score_bucket", le="0.55") == 4


async def test_an_answer_closes_its_connection_while_draining(scorer: Scorer) -> None:
    answer = await post(serve(scorer, is_draining=True), PREDICT, {"instances": [CUSTOMER]})
    assert answer.status_code == 200
    assert answer.headers["connection"] == "close"


BODIES = (
    st.binary(max_size=200)
    | JSON.map(orjson.dumps)
    | st.builds(
        lambda key, value: orjson.dumps({key: value}), st.sampled_from(["instances", "inputs", "outputs", "id"]), JSON
    )
)


@settings(deadline=None, max_examples=300)
@given(path=st.sampled_from([PREDICT, INFER]), body=BODIES)
def test_nothing_that_a_client_sends_answers_500(path: str, body: bytes) -> None:
    answer = asyncio.run(post(FUZZED, path, body))
    assert answer.status_code in (200, 400)
    assert answer.headers["x-churn-model-version"] == "3"
    if answer.status_code == 400:
        assert answer.json()["error"].endswith(".")


@settings(deadline=None)
@given(field=st.sampled_from([*CUSTOMER, "other"]), value=JSON)
def test_no_value_of_a_field_answers_500(field: str, value: Any) -> None:
    answer = asyncio.run(post(FUZZED, PREDICT, {"instances": [{**CUSTOMER, field: value}]}))
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert f'"{field}"' in answer.json()["error"]


FUZZED = serve(FixedScorer())
