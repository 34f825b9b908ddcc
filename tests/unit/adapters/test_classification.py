"""What each answer of the outside world means, table by table."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import ParseError

import kfp_server_api
import pytest
import urllib3
from churn_operator.adapters import kfp_errors, kubernetes_api, s3
from churn_operator.errors import AdapterError, Conflict, NotFound, Rejected, Transient
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

pytestmark = pytest.mark.unit

_STATUSES = [
    (400, Rejected),
    (401, Transient),
    (403, Rejected),
    (404, NotFound),
    (408, Transient),
    (409, Conflict),
    (422, Rejected),
    (429, Transient),
    (500, Transient),
    (502, Transient),
    (503, Transient),
    (504, Transient),
]


@pytest.mark.parametrize(("status", "kind"), [*_STATUSES, (410, NotFound), (0, Transient), (302, Transient)])
def test_statuses_of_the_api_server(status: int, kind: type[AdapterError]) -> None:
    body = json.dumps({"kind": "Status", "message": "spec.training.timeout: too long"})
    error = kubernetes_api.classify(status, body)
    assert type(error) is kind
    assert error.message == f"{status} spec.training.timeout: too long"


class _Latin:
    """What the kubernetes client does with a proxy's page that is not UTF-8."""

    def call_api(self, *_: object, **__: object) -> None:
        b"<html>R\xe9essayez</html>".decode()


async def test_a_page_that_is_no_utf_8_is_not_of_an_api_server() -> None:
    api = kubernetes_api.KubernetesApi(_Latin())
    with pytest.raises(Transient, match="the answer is not of an API server"):
        await api.get("/version")
    api.close()


def test_a_type_that_server_side_apply_cannot_read_is_rejected_though_it_answers_500() -> None:
    body = json.dumps({"message": "failed to create typed patch object (/a): .data: expected map"})
    assert type(kubernetes_api.classify(500, body)) is Rejected


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        ("7", timedelta(seconds=7)),
        ("86400", timedelta(minutes=10)),
        (None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("\u00b2", None),
        ("9" * 20, None),
    ],
)
def test_the_wish_of_retry_after_is_passed_on_within_bounds(header: str | None, wish: timedelta | None) -> None:
    error = kubernetes_api.classify(429, "slow down", header)
    assert isinstance(error, Transient)
    assert error.retry_after == wish


def _kfp_error(status: int | None, body: str = "", headers: dict[str, str] | None = None) -> Exception:
    error = kfp_server_api.ApiException(status=status, reason="a reason")
    error.body, error.headers = body, headers
    return error


@pytest.mark.parametrize(("status", "kind"), [*_STATUSES, (0, Transient), (None, Transient)])
def test_statuses_of_kfp(status: int, kind: type[AdapterError]) -> None:
    body = json.dumps({"code": 3, "message": "Invalid input error: no experiment", "details": []})
    error = kfp_errors.classify(_kfp_error(status, body))
    assert type(error) is kind
    assert "Invalid input error: no experiment" in error.message


def test_retry_after_of_kfp() -> None:
    error = kfp_errors.classify(_kfp_error(503, "busy", {"Retry-After": "3"}))
    assert isinstance(error, Transient)
    assert error.retry_after == timedelta(seconds=3)


def test_a_kfp_error_without_a_body_gives_its_reason() -> None:
    assert kfp_errors.classify(_kfp_error(400)).message == "400 a reason"


_POOL = urllib3.HTTPConnectionPool("127.0.0.1", 1)
_REFUSED = NewConnectionError(_POOL, "refused")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MaxRetryError(_POOL, "/", _REFUSED), kfp_errors.Unsent),
        (MaxRetryError(_POOL, "/", ConnectTimeoutError("slow")), kfp_errors.Unsent),
        (MaxRetryError(_POOL, "/", ReadTimeoutError(_POOL, "/", "slow")), Transient),
        (ReadTimeoutError(_POOL, "/", "slow"), Transient),
        (ProtocolError("Connection aborted."), Transient),
        (ConnectionResetError("reset"), Transient),
        (FileNotFoundError("/var/run/secrets/token"), Transient),
        (ValueError("Invalid value for `state`"), Transient),
        (AttributeError("'str' object has no attribute 'runs'"), Transient),
    ],
)
def test_no_answer_of_kfp_is_transient_and_whether_it_was_sent_is_kept(
    error: Exception, kind: type[AdapterError]
) -> None:
    assert type(kfp_errors.classify(error)) is kind


@pytest.mark.parametrize("read", [lambda: json.loads("[" * 100_000), lambda: b"{}".decode("klingon")])
def test_an_answer_that_cannot_be_read_is_transient_however_strange(read: Callable[[], object]) -> None:
    with pytest.raises(Transient, match="not of the KFP API"), kfp_errors.classified():
        read()
    assert type(kfp_errors.classify(_kfp_error(503, "[" * 100_000))) is Transient


def test_errors_that_are_classified_already_pass_through() -> None:
    with pytest.raises(Rejected, match="as it was"), kfp_errors.classified():
        raise Rejected("KFP", "as it was")


def _s3_error(code: str, status: int) -> Exception:
    response: Any = SimpleNamespace(status=status, headers={"Retry-After": "2"})
    return S3Error(
        code=code, message="what it says", resource="/mlops", request_id=None, host_id=None, response=response
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (_s3_error("NoSuchKey", 404), NotFound),
        (_s3_error("NoSuchBucket", 404), NotFound),
        (_s3_error("AccessDenied", 403), Rejected),
        (_s3_error("InvalidAccessKeyId", 403), Rejected),
        (_s3_error("SignatureDoesNotMatch", 403), Rejected),
        (_s3_error("SlowDown", 503), Transient),
        (_s3_error("InternalError", 500), Transient),
        (_s3_error("RequestTimeout", 400), Transient),
        (_s3_error("SomethingNew", 500), Transient),
        (_s3_error("SomethingNew", 429), Transient),
        (_s3_error("SomethingNew", 400), Rejected),
        (ServerError("server failed", 502), Transient),
        (InvalidResponseError(200, "text/html", "<html>"), Transient),
        (MaxRetryError(_POOL, "/", _REFUSED), Transient),
        (ConnectionResetError("reset"), Transient),
        (ValueError("bucket name is invalid"), Rejected),
        (ValueError("XML element <Name> not found"), Transient),
        (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid continuation byte"), Transient),
        (ParseError("mismatched tag: line 1, column 8"), Transient),
    ],
)
def test_answers_of_s3(error: Exception, kind: type[AdapterError]) -> None:
    with pytest.raises(kind) as caught, s3.classified():
        raise error
    assert type(caught.value) is kind


def test_credentials_that_no_header_can_have_are_refused_and_not_shown() -> None:
    client = s3.new_client("http://127.0.0.1:1", s3.Credentials("id", "key", "a token\nin two lines"), None)
    with pytest.raises(Rejected, match="the credentials are not lines of text") as caught, s3.classified():
        client.stat_object("mlops", "report.json")
    assert "two lines" not in str(caught.value)
