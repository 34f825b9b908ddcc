"""The API server through the kubernetes client, in a pool of threads, and the one place that reads its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import kubernetes
import urllib3
from kubernetes.client.exceptions import ApiException

from churn_operator.adapters.threads import ThreadPool
from churn_operator.errors import AdapterError, Conflict, NotFound, Rejected, Transient

SOURCE = "Kubernetes"
FIELD_MANAGER = "churnmodel-operator"

_TIMEOUT = (3, 8)
_DEADLINE = timedelta(seconds=10)
# Server-side apply answers 500 for a field that has another type in the schema.
_UNTYPED = "failed to create typed patch object"
# 401 too: tokens are renewed, and an API server that begins or cannot have one reviewed takes none.
_TRANSIENT_STATUSES = frozenset({401, 408, 425, 429})
_LONGEST_WISH = 600
# An answer with Retry-After is an answer: what it says is told, and heeded by whoever asks again.
_RETRIES = urllib3.Retry(
    total=2, connect=2, read=0, redirect=0, status=0, backoff_factor=0.2, respect_retry_after_header=False
)


def classify(status: int, body: str, retry_after: str | None = None) -> AdapterError:
    """The error that an HTTP status of the API server means; `body` may hold a Status object."""
    message = f"{status} {_message(body)}"
    match status:
        case 404 | 410:
            return NotFound(SOURCE, message)
        case 409:
            return Conflict(SOURCE, message)
        case 500 if _UNTYPED in message:
            return Rejected(SOURCE, message)
        case _ if status >= 500 or status in _TRANSIENT_STATUSES or status < 400:
            return Transient(SOURCE, message, parse_retry_after(retry_after))
        case _:
            return Rejected(SOURCE, message)


def require_object(answer: object) -> dict[str, Any]:
    """The answer itself. Raises Transient for what a proxy, but no API server, answers with status 200."""
    if not isinstance(answer, dict):
        raise Transient(SOURCE, f"the answer is not of an API server: {str(answer)[:200]}")
    return answer


def parse_retry_after(value: str | None) -> timedelta | None:
    """A Retry-After header in seconds, of which ten minutes are heeded; None where there is none or it is a date."""
    if value is None or not re.fullmatch("[0-9]{1,9}", value.strip()):
        return None
    return timedelta(seconds=min(int(value), _LONGEST_WISH))


def _message(body: str) -> str:
    try:
        status = json.loads(body)
    except ValueError:
        return body.strip()[:500]
    if isinstance(status, Mapping) and status.get("message"):
        return str(status["message"])[:2000]
    return body.strip()[:500]


def load_client(connections: int = 32) -> kubernetes.client.ApiClient:
    """A client of the cluster this process runs in, else of the current kubeconfig.

    Raises kubernetes.config.ConfigException where there is neither.
    """
    configuration = kubernetes.client.Configuration()
    try:
        kubernetes.config.load_incluster_config(client_configuration=configuration)
    except kubernetes.config.ConfigException:
        kubernetes.config.load_kube_config(client_configuration=configuration)
    configuration.connection_pool_maxsize = connections
    configuration.retries = _RETRIES
    return kubernetes.client.ApiClient(configuration)


class KubernetesApi:
    """JSON in, JSON out, by path. Every method may raise an AdapterError."""

    def __init__(self, client: kubernetes.client.ApiClient, size: int = 16) -> None:
        self.client = client
        self._pool = ThreadPool(SOURCE, size, _DEADLINE)

    async def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """The object or list at `path`, or None where there is none."""
        try:
            return await self._request("GET", path, query)
        except NotFound:
            return None

    async def apply(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Server-side apply as `churnmodel-operator`; a field that `manifest` names becomes ours."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._request("PATCH", path, query, manifest, "application/apply-patch+yaml")

    async def delete(self, path: str) -> None:
        """Delete the object at `path`; one that is gone is no error."""
        try:
            await self._request("DELETE", path, {"propagationPolicy": "Background"})
        except NotFound:
            return

    def close(self) -> None:
        """Let go of threads; the client is the caller's."""
        self._pool.close()

    async def ended(self) -> None:
        """Return once no thread is at work any more; after `close`."""
        await self._pool.ended()

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        return await self._pool.call(self._request_in_thread, method, path, query, body, content_type)

    def _request_in_thread(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        content_type: str,
    ) -> dict[str, Any]:
        try:
            answer = self.client.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params={"Accept": "application/json", "Content-Type": content_type},
                body=body,
                response_type="object",
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _request_timeout=_TIMEOUT,
            )
        except ApiException as error:
            raise _of_client(error) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Transient(SOURCE, f"the API server cannot be reached: {error}") from error
        except UnicodeDecodeError as error:
            raise Transient(SOURCE, f"the answer is not of an API server: {error}") from error
        return require_object(answer)


def _of_client(error: ApiException) -> AdapterError:
    headers = error.headers or {}
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or error.reason)
    return classify(int(error.status or 0), body, headers.get("Retry-After"))
