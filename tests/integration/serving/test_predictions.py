"""A real model behind a real server."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import joblib
import numpy as np
import pytest
from churn_report import ColumnKind, DataContract
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.serving.conftest import TrainedModel
from tests.integration.serving.model_server import ModelServerProcess


def arrays(customers: list[dict[str, Any]], contract: DataContract) -> list[list[Any]]:
    return [[customer[name] for name in contract.names] for customer in customers]


def tensors(customers: list[dict[str, Any]], contract: DataContract) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "shape": [len(customers), 1],
            "datatype": "BYTES" if column.kind is ColumnKind.CATEGORY else "FP64",
            "data": [customer[column.name] for customer in customers],
        }
        for column in contract.columns
    ]


def expected(customers: list[dict[str, Any]], trained: TrainedModel) -> list[Any]:
    rows = np.array(arrays(customers, trained.contract), dtype=object)
    pipeline = joblib.load(trained.folder / "model.joblib")
    scores = pipeline.predict_proba(rows)[:, list(pipeline.classes_).index("Yes")]
    return [pytest.approx(float(score), abs=1e-5) for score in scores]


@pytest.mark.parametrize("count", [1, 5, 100])
def test_named_fields_arrays_and_tensors_give_the_pipelines_probabilities(
    server: ModelServerProcess, trained: TrainedModel, count: int
) -> None:
    customers = trained.customers[:count]
    named = server.predict({"instances": customers})
    listed = server.predict({"instances": arrays(customers, trained.contract)})
    inferred = server.infer({"inputs": tensors(customers, trained.contract)})
    for answer in (named, listed, inferred):
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-churn-model-version"] == "3"
    predictions = named.json()["predictions"]
    assert [prediction["probability"] for prediction in predictions] == expected(customers, trained)
    assert [prediction["class"] for prediction in predictions] == [
        "Yes" if prediction["probability"] > 0.5 else "No" for prediction in predictions
    ]
    assert listed.json() == named.json()
    classes, probabilities = inferred.json()["outputs"]
    assert classes["data"] == [prediction["class"] for prediction in predictions]
    assert probabilities["data"] == [prediction["probability"] for prediction in predictions]


def test_customers_without_total_charges_are_scored(server: ModelServerProcess, trained: TrainedModel) -> None:
    blank = {**trained.customers[0], "tenure": 0, "TotalCharges": None}
    answer = server.predict({"instances": [blank]})
    assert [prediction["probability"] for prediction in answer.json()["predictions"]] == expected([blank], trained)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Contract": "Weekly"}, 'Instance 0, field "Contract": "Weekly" is not one of "Month-to-month"'),
        ({"tenure": "long"}, 'Instance 0, field "tenure": "long" is not a number.'),
        ({"tenure": -3}, 'Instance 0, field "tenure": -3 is below the minimum of 0.'),
        ({"tenure": None}, 'Instance 0, field "tenure": a value is required, and it is blank.'),
        ({"Churn": "Yes"}, 'Instance 0, field "Churn": the model has no such field'),
    ],
)
def test_a_bad_field_is_a_400_with_its_name(
    server: ModelServerProcess, trained: TrainedModel, change: dict[str, Any], sentence: str
) -> None:
    answer = server.predict({"instances": [{**trained.customers[0], **change}]})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
    assert answer.headers["x-churn-model-version"] == "3"


@pytest.mark.parametrize(
    ("path", "headers", "content", "status"),
    [
        ("/v1/models/churn:predict", {}, b"{", 400),
        ("/v1/models/churn:predict", {"content-type": "text/csv"}, b"a,b", 400),
        ("/v1/models/churn:predict", {"content-type": "application/cloudevents+json"}, b"{}", 400),
        ("/v1/models/churn:predict", {"ce-id": "1", "ce-type": "t", "ce-source": "s"}, b"{}", 400),
        ("/v1/models/churn:predict", {"content-encoding": "gzip"}, b"\x1f\x8b", 400),
        ("/v2/models/churn/infer", {"inference-header-content-length": "many"}, b"{}", 400),
        ("/v2/models/churn/infer", {"content-type": "application/octet-stream"}, b"\x00", 400),
        ("/v1/models/churn:predict", {}, b" " * (4 * 2**20 + 1), 413),
        ("/v1/models/other:predict", {}, b"{}", 404),
        ("/v1/models/churn:explain", {}, b"{}", 404),
        ("/v2/repository/models/churn/unload", {}, b"", 403),
        ("/v2/repository/models/churn/load", {}, b"", 403),
        ("/nowhere", {}, b"", 404),
    ],
)
def test_no_request_is_answered_with_a_5xx(
    server: ModelServerProcess, path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = httpx.post(f"{server.url}{path}", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_the_model_still_answers_after_somebody_asked_to_unload_it(
    server: ModelServerProcess, trained: TrainedModel
) -> None:
    httpx.post(f"{server.url}/v2/repository/models/churn/unload")
    assert server.predict({"instances": trained.customers[:1]}).status_code == 200


def test_a_body_that_ends_early_is_no_error_of_ours(server: ModelServerProcess, trained: TrainedModel) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"POST /v1/models/churn:predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    assert server.predict({"instances": trained.customers[:1]}).status_code == 200
    assert _samples(server, "churn_prediction_errors_total", reason="Internal") == []


def test_the_v2_metadata_lists_the_columns(server: ModelServerProcess, trained: TrainedModel) -> None:
    metadata = httpx.get(f"{server.url}/v2/models/churn").json()
    assert [tensor["name"] for tensor in metadata["inputs"]] == list(trained.contract.names)
    assert [tensor["name"] for tensor in metadata["outputs"]] == ["class", "probability"]


def test_kserves_metrics_and_ours_are_on_one_page(server: ModelServerProcess, trained: TrainedModel) -> None:
    labels = {"model": "churn", "version": "3"}
    before = _samples(server, "churn_prediction_requests_total", **labels, protocol="v1", code="200")
    assert server.predict({"instances": trained.customers[:2]}).status_code == 200
    assert server.predict({"instances": []}).status_code == 400
    [after] = _samples(server, "churn_prediction_requests_total", **labels, protocol="v1", code="200")
    assert after == sum(before) + 1
    assert _samples(server, "churn_prediction_errors_total", **labels, reason="InstancesEmpty")
    assert _samples(server, "churn_prediction_duration_seconds_count", **labels, protocol="v1")
    assert _samples(server, "churn_prediction_score_count", **labels)[0] >= 2
    assert _samples(server, "churn_model_info", **labels, sha256=trained.sha256) == [1]
    assert _samples(server, "request_predict_seconds_count", model_name="churn")[0] >= 1


def test_the_server_listens_on_the_given_address_only(server: ModelServerProcess) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port), timeout=5)


def _samples(server: ModelServerProcess, name: str, **labels: str) -> list[float]:
    page = httpx.get(f"{server.url}/metrics").text
    return [
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
