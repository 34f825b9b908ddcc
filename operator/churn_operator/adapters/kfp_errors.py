"""The one place that reads the errors of the kfp SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import kfp_server_api
import urllib3

from churn_operator.adapters.kubernetes_api import parse_retry_after
from churn_operator.errors import AdapterError, Conflict, NotFound, Rejected, Transient

SOURCE = "KFP"

# 401 too: KFP also answers it while it cannot have a token reviewed, which says nothing about a run.
_TRANSIENT_STATUSES = frozenset({401, 408, 425, 429})


class Unsent(Transient):
    """The request never left: no connection was made."""


def classify(error: Exception) -> AdapterError:
    """The error that an exception of the kfp SDK means. An answer that is not KFP's (a proxy's login or
    error page) is Transient: it says nothing about the request."""
    match error:
        case kfp_server_api.ApiException():
            return _of_status(error)
        case urllib3.exceptions.HTTPError():
            return _of_connection(error)
        case OSError():
            return Transient(SOURCE, f"the API cannot be reached: {error}")
        case _:
            return Transient(SOURCE, f"the answer is not of the KFP API: {type(error).__name__}: {error}")


def _of_status(error: kfp_server_api.ApiException) -> AdapterError:
    status = int(error.status or 0)
    message = f"{status} {_message(error)}" if status else _message(error)
    match status:
        case 404:
            return NotFound(SOURCE, message)
        case 409:
            return Conflict(SOURCE, message)
        case _ if status >= 500 or status < 400 or status in _TRANSIENT_STATUSES:
            return Transient(SOURCE, message, parse_retry_after((error.headers or {}).get("Retry-After")))
        case _:
            return Rejected(SOURCE, message)


def _of_connection(error: urllib3.exceptions.HTTPError) -> Transient:
    reason = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    never_connected = urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError
    kind = Unsent if isinstance(reason, never_connected) else Transient
    return kind(SOURCE, f"the API cannot be reached: {reason or error}")


def _message(error: kfp_server_api.ApiException) -> str:
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return (body.strip() or str(error.reason))[:500]
    if isinstance(answer, Mapping) and (answer.get("message") or answer.get("error")):
        return str(answer.get("message") or answer.get("error"))[:2000]
    return body[:500]


@contextmanager
def classified() -> Iterator[None]:
    """Raise every error of the kfp SDK as an AdapterError."""
    try:
        yield
    except AdapterError:
        raise
    except (
        kfp_server_api.OpenApiException,
        urllib3.exceptions.HTTPError,
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
    ) as error:
        raise classify(error) from error
