"""Requests to the API server: with the app's own service account, or with a person's token."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from churn_webapp.errors import Conflict, Forbidden, InvalidRequest, LoginNeeded, NotFound, Unavailable, WebappError
from churn_webapp.settings import Settings

Json = dict[str, Any]
_TIMEOUT = httpx.Timeout(5, connect=2)
_TOKEN_SECONDS = 60.0
MERGE_PATCH = "application/merge-patch+json"


class ApiServer:
    """A pool of connections to the API server. Safe in threads."""

    def __init__(self, settings: Settings) -> None:
        """Reads the authority's certificate.

        Raises:
            ValueError: the settings do not lead to an API server.
        """
        if not settings.api_server:
            raise ValueError("CHURN_API_SERVER is not set, and this is no pod of a cluster")
        self._token_file = Path(settings.api_token_file)
        self._token, self._token_read = "", float("-inf")
        self._client = httpx.Client(
            base_url=settings.api_server, verify=_verification(settings), timeout=_TIMEOUT, trust_env=False
        )

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Json:
        """The answer to GET, as the app's service account. Raises WebappError."""
        return self._ask("GET", path, None, parameters=parameters)

    def post(self, path: str, body: Json, token: str) -> Json:
        """The answer to POST, as the person with this token. Raises WebappError."""
        return self._ask("POST", path, token, body=body)

    def merge(self, path: str, body: Json, token: str, manager: str) -> Json:
        """The answer to a JSON merge patch, as the person with this token. Raises WebappError."""
        return self._ask("PATCH", path, token, body=body, parameters={"fieldManager": manager}, kind=MERGE_PATCH)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _ask(
        self,
        method: str,
        path: str,
        token: str | None,
        *,
        body: Json | None = None,
        parameters: Mapping[str, str] | None = None,
        kind: str = "application/json",
    ) -> Json:
        headers = {"authorization": f"Bearer {token or self._own_token()}", "content-type": kind}
        try:
            answer = self._client.request(method, path, json=body, params=parameters, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable("The Kubernetes API server does not answer. What is served goes on.") from error
        if not answer.is_success:
            raise _refusal(answer, of_person=token is not None)
        content: Json = answer.json()
        return content

    def _own_token(self) -> str:
        # The kubelet renews the file's content well before a token ends.
        if time.monotonic() - self._token_read > _TOKEN_SECONDS:
            try:
                self._token = self._token_file.read_text().strip()
            except OSError as error:
                raise Unavailable("The web app's own token cannot be read; see CHURN_API_TOKEN_FILE.") from error
            self._token_read = time.monotonic()
        return self._token


def _verification(settings: Settings) -> ssl.SSLContext | bool:
    if not settings.api_server.startswith("https://"):
        return True
    try:
        return ssl.create_default_context(cafile=settings.api_ca_file)
    except OSError as error:
        raise ValueError(f"CHURN_API_CA_FILE={settings.api_ca_file!r} cannot be read: {error}") from error


def _refusal(answer: httpx.Response, of_person: bool) -> WebappError:
    """The error for an answer that is none."""
    message = _message(answer)
    if not of_person and answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Unavailable(f"The web app's own service account is refused by Kubernetes: {message}")
    match answer.status_code:
        case HTTPStatus.UNAUTHORIZED:
            return LoginNeeded("Kubernetes does not accept this token. It may have expired: log in with a new one.")
        case HTTPStatus.FORBIDDEN:
            return Forbidden(f"Kubernetes refuses: {message}")
        case HTTPStatus.NOT_FOUND:
            return NotFound(message)
        case HTTPStatus.CONFLICT:
            return Conflict(message)
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            return InvalidRequest(f"Kubernetes refuses the change: {message}")
        case _:
            return Unavailable(f"The Kubernetes API server answers {answer.status_code}: {message}")


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:300]
