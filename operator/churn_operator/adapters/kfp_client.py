"""The unchanged kfp.Client, told what it does not do by itself: time-outs, bounded retries, fresh tokens."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from kfp.client import Client
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

_TIMEOUT = (2.0, 6.0)
# An answer with Retry-After is an answer: what it says is told, and heeded by whoever asks again.
_RETRIES = urllib3.Retry(
    total=1, connect=1, read=0, status=0, redirect=0, other=0, backoff_factor=0.2, respect_retry_after_header=False
)

_NO_CONTEXT = f"{os.devnull}/context.json"
"""No file can be there: ~/.config/kfp/context.json has a person's namespace and cookies."""

_ANY_NAMESPACE = "not-asked-for"
"""Keeps the SDK from asking /healthz (five attempts, five seconds apart) and from writing a context of its own."""


def new_client(endpoint: str, token_path: str | None) -> Client:
    """A client that sends nothing when made, follows the token file, and gives up within ten seconds.

    Its methods take `namespace=`; a request without a time-out of its own gets two seconds to connect
    and six for the answer.
    """
    credentials = ServiceAccountTokenVolumeCredentials(path=token_path) if token_path else None
    with _without_its_warning():
        Client._LOCAL_KFP_CONTEXT = _NO_CONTEXT
        client = Client(host=endpoint, namespace=_ANY_NAMESPACE, credentials=credentials)
    rest = client.runs.api_client.rest_client
    rest.pool_manager.connection_pool_kw["retries"] = _RETRIES
    request = rest.request

    def request_in_time(*args: Any, _request_timeout: Any = None, **kwargs: Any) -> Any:
        answer = request(*args, _request_timeout=_request_timeout or _TIMEOUT, **kwargs)
        _require_json(answer)
        return answer

    rest.request = request_in_time
    _guard_models(client.runs.api_client)
    return client


def _require_json(answer: Any) -> None:
    """The SDK reads a login page with status 200 as an empty list of runs."""
    content_type = answer.getheader("Content-Type", "application/json")
    if "json" not in content_type:
        raise ValueError(f"it is {content_type}, not JSON")


def _guard_models(api_client: Any) -> None:
    """The SDK reads half an answer as an empty list of runs too, upon which a second run would be made. What is asked
    for as it is, and not as a model, is the caller's to check: parsing a large listing twice takes its time."""
    deserialize = api_client.deserialize

    def deserialize_object(response: Any, response_type: str) -> Any:
        if response_type != "object" and not isinstance(json.loads(response.data), dict):
            raise ValueError("it is no JSON object")
        return deserialize(response, response_type)

    api_client.deserialize = deserialize_object


@contextmanager
def _without_its_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This client only works with", category=FutureWarning)
        yield
