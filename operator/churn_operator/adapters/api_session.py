"""The API server through aiohttp, for what every pass does: see docs/adr/0003-status-writes-by-aiohttp.md."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import kubernetes
from kubernetes.client.rest import should_bypass_proxies

from churn_operator.adapters.kubernetes_api import SOURCE, classify, require_object
from churn_operator.errors import Transient

_TIMEOUT = aiohttp.ClientTimeout(total=8, sock_connect=3)
MERGE_PATCH = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Accept header for a listing without spec and status."""


class ApiSession:
    """JSON requests with the host, certificates and token of a kubernetes client's Configuration.

    The token is asked of the Configuration for each request, so a projected ServiceAccount token is
    followed when the kubelet renews it. Opened at first use, in the running event loop; close it there.
    """

    def __init__(self, configuration: kubernetes.client.Configuration, connections: int = 64) -> None:
        self._configuration = configuration
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        """The answer as JSON. Raises an AdapterError for every status but 2xx, and where there is no answer. No API
        server redirects: whoever does is another, and gets neither the body nor the token."""
        try:
            async with self._opened().request(
                method,
                self._configuration.host + path,
                data=None if body is None else json.dumps(body).encode(),
                headers=self._headers(content_type, accept),
                allow_redirects=False,
            ) as response:
                text = (await response.read()).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Transient(SOURCE, f"the API server cannot be reached: {error or type(error).__name__}") from error
        if not 200 <= response.status < 300:
            raise classify(response.status, text, response.headers.get("Retry-After"))
        try:
            return require_object(json.loads(text))
        except ValueError:
            return require_object(text)

    async def close(self) -> None:
        """Close all connections; harmless when none was opened."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = tls_context(self._configuration) if self._configuration.host.startswith("https") else True
            connector = aiohttp.TCPConnector(limit=self._connections, ssl=tls)
            # Not trust_env: it would read the environment and ~/.netrc for each request.
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_TIMEOUT, proxy=proxy_of(self._configuration)
            )
        return self._session

    def _headers(self, content_type: str, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "Content-Type": content_type}
        token = self._configuration.get_api_key_with_prefix("authorization")
        if token:
            headers["Authorization"] = token
        return headers


def tls_context(configuration: kubernetes.client.Configuration) -> ssl.SSLContext:
    """The TLS settings of a kubernetes client's Configuration."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl or configuration.assert_hostname is False:
        context.check_hostname = False
    if not configuration.verify_ssl:
        context.verify_mode = ssl.CERT_NONE
    return context


def proxy_of(configuration: kubernetes.client.Configuration) -> str | None:
    """The proxy of a kubernetes client's Configuration (HTTPS_PROXY and NO_PROXY of the environment)."""
    if not configuration.proxy or should_bypass_proxies(configuration.host, no_proxy=configuration.no_proxy or ""):
        return None
    return str(configuration.proxy)
