"""What the Artifacts port decides without a store."""

import gc
import json
import weakref
from typing import Any

import pytest
from churn_operator.adapters.artifacts import MinioArtifacts, credentials_of, is_deletable, parse_report
from churn_operator.adapters.s3 import Credentials, Location, new_client, parse_uri
from churn_operator.errors import Rejected
from churn_operator.settings import Settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("uri", "root", "deletable"),
    [
        ("s3://mlops/churn/shop/telco/", "s3://mlops/churn", True),
        ("s3://mlops/churn/shop/telco/0123/1/", "s3://mlops/churn/", True),
        ("s3://mlops/shop/telco/", "s3://mlops", True),
        ("s3://earlier/churn/shop/telco/", "s3://mlops/churn", True),
        ("s3://mlops/churn/shop/", "s3://mlops/churn", False),
        ("s3://mlops/churn/", "s3://mlops/churn", False),
        ("s3://mlops/shop/", "s3://mlops", False),
        ("s3://mlops/", "s3://mlops", False),
        ("s3://mlops//////", "s3://mlops", False),
        ("s3://mlops/a/b/", "s3://mlops/churn", False),
        ("s3://mlops/deep/root/shop/", "s3://mlops/deep/root", False),
    ],
)
def test_only_a_models_own_folder_can_be_deleted(uri: str, root: str, deletable: bool) -> None:
    assert is_deletable(uri, root) is deletable


@pytest.mark.parametrize("uri", ["", "mlops/churn", "http://mlops/churn", "s3://", "s3:///path"])
def test_what_is_no_s3_uri_is_refused(uri: str) -> None:
    with pytest.raises(Rejected, match="is not a URI such as s3://bucket/path"):
        parse_uri(uri)


def test_a_uri_is_bucket_and_path() -> None:
    assert parse_uri("s3://mlops/a/b.csv") == Location("mlops", "a/b.csv")


@pytest.mark.parametrize("endpoint", ["minio:9000", "ftp://minio", "http://", "http://minio:9000/path"])
def test_an_endpoint_that_is_no_url_is_refused(endpoint: str) -> None:
    with pytest.raises(Rejected, match="endpoint"):
        new_client(endpoint, None, None)


def test_credentials_never_show_their_secret() -> None:
    credentials = credentials_of(
        {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "topsecret", "AWS_SESSION_TOKEN": "alsosecret"}
    )
    assert credentials == Credentials("id", "topsecret", "alsosecret")
    assert "secret" not in repr(credentials).replace("secret_key", "")


def test_an_instance_role_is_asked_for_with_a_time_out() -> None:
    provider: Any = new_client("", None, None)._provider
    timeout = provider._http_client.connection_pool_kw["timeout"]
    assert timeout.connect_timeout + timeout.read_timeout < 10


def test_clients_of_credentials_that_were_renewed_are_let_go() -> None:
    port = MinioArtifacts(Settings(), None, {})  # type: ignore[arg-type]
    first = weakref.ref(port._client("http://minio:9000", Credentials("id", "key", "token 0")))
    for number in range(200):
        port._client("http://minio:9000", Credentials("id", "key", f"token {number}"))
    port.close()
    gc.collect()
    assert first() is None


@pytest.mark.parametrize("variables", [{}, {"AWS_ACCESS_KEY_ID": "id"}, {"AWS_SECRET_ACCESS_KEY": "s"}])
def test_half_of_the_credentials_is_none(variables: dict[str, str]) -> None:
    assert credentials_of(variables) is None


def test_a_report_is_read() -> None:
    content = {
        "outcome": "Rejected",
        "failure": {"step": "validate", "reason": "SingleClass", "message": "Churn has one value only: No."},
        "key": "k",
        "created": "2026-08-01T00:00:00Z",
        "code_version": "1",
    }
    report = parse_report("s3://b/r.json", json.dumps(content).encode())
    assert report.failure is not None
    assert report.failure.reason == "SingleClass"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"<html>", "Invalid JSON"),
        (b"", "Invalid JSON"),
        (b"{}", "outcome: Field required"),
        (b'{"outcome": "Succeeded", "key": "k", "created": "yesterday", "code_version": "1"}', "created: "),
        (
            b'{"outcome": "Succeeded", "key": "k", "created": "2026-08-01T00:00:00Z", "code_version": "1"}',
            "a report of success carries dataset, metrics and artifacts",
        ),
        (
            b'{"outcome": "Succeeded", "key": "k", "created": "2026-08-01T00:00:00Z", "code_version": "1", '
            b'"roc": {"x": [0, 0.5, 1], "y": [0, 1], "thresholds": [1, 0.5, 0]}}',
            "roc: Value error, the curve has 3 of x, 2 of y, 3 of thresholds: give every point one of each",
        ),
    ],
)
def test_a_report_that_cannot_be_read_is_rejected_and_says_what_is_wrong(content: bytes, fault: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_report("s3://b/report.json", content)
    assert "s3://b/report.json cannot be read" in caught.value.message
    assert fault in caught.value.message
