"""Requests to the API server through pykube, with every failure as a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pykube
import requests

from churnctl.cluster.credentials import in_files, with_credentials
from churnctl.cluster.kubeconfig import current_context, in_cluster, read_kubeconfig
from churnctl.errors import (
    ChurnctlError,
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    UnreachableError,
)
from churnctl.options import Place

GROUP = "churnops.dev"
API_VERSION = f"{GROUP}/v1alpha1"
PLURAL = "churnmodels"
_SECONDS = 10
_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)"(?: in API group "[^"]*")?'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?(?P<cluster> at the cluster scope)?'
)


@dataclass(frozen=True)
class Connection:
    """A cluster, and the namespace that is meant where none is named."""

    client: pykube.HTTPClient
    namespace: str

    @property
    def server(self) -> str:
        """URL of the API server."""
        return str(self.client.url)

    def send(
        self,
        method: str,
        path: str,
        *,
        version: str = API_VERSION,
        namespace: str | None = None,
        stream: bool = False,
        **options: Any,
    ) -> requests.Response:
        """One request. `path` is what follows the API version and the namespace, e.g. `churnmodels/churn`.

        Raises:
            UnreachableError, ForbiddenError, NotFoundError, ConflictError, ChurnctlError: see their sentences.
        """
        options.setdefault("timeout", _SECONDS)
        try:
            answer: requests.Response = self.client.request(
                method, url=path, version=version, namespace=namespace, stream=stream, **options
            )
        except requests.exceptions.SSLError as error:
            raise UnreachableError(
                f"The certificate of {self.server} is not the one that the kubeconfig trusts: {_cause(error)}."
            ) from error
        except (requests.exceptions.RequestException, OSError) as error:
            raise UnreachableError(f"The API server at {self.server} does not answer: {_cause(error)}.") from error
        except ValueError as error:
            # Its words have the token in them.
            raise InputError("The kubeconfig's token has a line break or a blank, so it cannot be sent.") from error
        if not answer.ok:
            raise refusal(answer, self.server)
        kind = answer.headers.get("Content-Type", "nothing")
        if "json" not in kind:
            raise UnreachableError(f"{self.server} answers with {kind}, so it is no API server: is it a login page?")
        return answer


def connect(place: Place) -> Connection:
    """The cluster that the kubeconfig and the options name.

    Raises:
        InputError, NotFoundError: the kubeconfig does not lead to a cluster.
        ForbiddenError: its exec plugin does not log in.
    """
    config = read_kubeconfig(place)
    if config is None:
        if in_cluster():
            ours = pykube.KubeConfig.from_service_account()
            return _connection(ours, place)
        raise NotFoundError("There is no kubeconfig: set KUBECONFIG, or name one with --kubeconfig.")
    name = current_context(config, place)
    context = _entry(config, "contexts", "context", name)
    cluster = _entry(config, "clusters", "cluster", context.get("cluster", ""))
    _check_server(context.get("cluster", ""), cluster.get("server"))
    user = _entry(config, "users", "user", context["user"]) if context.get("user") else {}
    document = {
        "clusters": [{"name": "chosen", "cluster": in_files(cluster)}],
        "users": [{"name": "chosen", "user": with_credentials(user, cluster)}],
        "contexts": [{"name": "chosen", "context": {**context, "cluster": "chosen", "user": "chosen"}}],
        "current-context": "chosen",
    }
    return _connection(pykube.KubeConfig(document), place)


def _check_server(cluster: str, server: Any) -> None:
    if not server:
        raise InputError(f'The cluster "{cluster}" of the kubeconfig has no server.')
    parts = urlsplit(str(server))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(f'The server "{server}" of the kubeconfig is no address such as https://10.0.0.1:6443.')


def _connection(config: pykube.KubeConfig, place: Place) -> Connection:
    client = pykube.HTTPClient(config, timeout=_SECONDS)
    proxy = config.cluster.get("proxy-url")
    if proxy:
        client.session.proxies = {"http": proxy, "https": proxy}
    return Connection(client, place.namespace or str(config.namespace or "default"))


def _entry(config: Mapping[str, Any], plural: str, inner: str, name: str) -> dict[str, Any]:
    for entry in config[plural]:
        if entry["name"] == name:
            return dict(entry.get(inner) or {})
    raise NotFoundError(f'The kubeconfig names the {inner} "{name}" and does not have it.')


def refusal(answer: requests.Response, server: str) -> ChurnctlError:
    """What the API server's refusal means."""
    try:
        status = answer.json()
        said = str(status.get("message") or answer.reason)
    except ValueError:
        said = answer.text.strip() or str(answer.reason)
    match answer.status_code:
        case 401:
            return ForbiddenError(f"The API server at {server} does not know you: log in again.")
        case 403:
            return ForbiddenError(forbidden(said))
        case 404 if "could not find the requested resource" in said or "page not found" in said:
            return NotFoundError(f"{API_VERSION} is not installed in {server}: apply its CustomResourceDefinition.")
        case 404:
            return NotFoundError(f"{said}.")
        case 409:
            return ConflictError(said)
        case 429 | 500 | 502 | 503 | 504:
            return UnreachableError(f"The API server at {server} cannot answer now ({answer.status_code}): {said}.")
        case _:
            return ChurnctlError(said)


def forbidden(said: str) -> str:
    """Who may not do what, from the API server's words, and which role would allow it."""
    found = _FORBIDDEN.search(said)
    if found is None:
        return f"{said}."
    where = f' in namespace "{found["namespace"]}"' if found["namespace"] else " in the whole cluster"
    sentence = f'User "{found["user"]}" may not {found["verb"]} {found["resource"]}{where}'
    if found["resource"].startswith(PLURAL):
        reading = found["verb"] in {"get", "list", "watch"}
        return f"{sentence}: ask for the ClusterRole churnmodels-{'view' if reading else 'edit'} there."
    return f"{sentence}."


def _cause(error: BaseException) -> str:
    """The innermost reason, which is what a person can act on."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(words).rstrip(".")
