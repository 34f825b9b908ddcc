"""The unchanged kfp.Client, told what it does not do by itself: time-outs, bounded retries, fresh tokens."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import urllib3
from kfp.client import Client
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

_TIMEOUT = (2.0, 6.0)
_RETRIES = urllib3.Retry(total=1, connect=1, read=0, status=0, redirect=0, other=0, backoff_factor=0.2)


def new_client(endpoint: str, token_path: str | None) -> Client:
    """A client that sends nothing when made, follows the token file, and gives up within ten seconds.

    Its methods take `namespace=`; a request without a time-out of its own gets two seconds to connect
    and six for the answer.
    """
    credentials = ServiceAccountTokenVolumeCredentials(path=token_path) if token_path else None
    with _without_its_warning():
        _use_private_context()
        client = Client(host=endpoint, credentials=credentials)
    rest = client.runs.api_client.rest_client
    rest.pool_manager.connection_pool_kw["retries"] = _RETRIES
    request = rest.request

    def request_in_time(*args: Any, _request_timeout: Any = None, **kwargs: Any) -> Any:
        answer = request(*args, _request_timeout=_request_timeout or _TIMEOUT, **kwargs)
        _require_json(answer)
        return answer

    rest.request = request_in_time
    return client


def _require_json(answer: Any) -> None:
    """The SDK reads a login page with status 200 as an empty list of runs."""
    content_type = answer.getheader("Content-Type", "application/json")
    if "json" not in content_type:
        raise ValueError(f"it is {content_type}, not JSON")


@cache
def _use_private_context() -> None:
    """Keep the SDK from ~/.config/kfp/context.json, where a person's namespace and cookies are.

    A namespace in the context keeps it from asking /healthz (five attempts, five seconds apart).
    """
    context = Path(tempfile.mkdtemp(prefix="churn-operator-kfp-")) / "context.json"
    context.write_text(json.dumps({"namespace": "kubeflow"}))
    Client._LOCAL_KFP_CONTEXT = str(context)


@contextmanager
def _without_its_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="This client only works with", category=FutureWarning)
        yield
