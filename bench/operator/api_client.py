"""The raw client: asyncio, aiohttp, a fixed number of connections, nothing between us and the API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import kubernetes
from churn_operator.adapters.api_session import tls_context

CONNECTIONS = 64
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

T = TypeVar("T")
Request = tuple[str, str, Mapping[str, Any] | None, str]
"""Method, path, body, content type."""


class RequestError(Exception):
    """The API server refused; the message has its answer."""


@dataclass(frozen=True)
class ApiClient:
    """Requests to one API server."""

    session: aiohttp.ClientSession
    server: str

    async def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """The answer. Raises RequestError for every status but 2xx."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type}
        async with self.session.request(method, self.server + path, data=data, headers=headers) as response:
            text = await response.read()
        if not response.ok:
            raise RequestError(f"{method} {path}: {response.status} {text[:500].decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    async def send(self, request: Request) -> None:
        """Send a request whose answer does not matter. Raises RequestError as `request` does."""
        method, path, body, content_type = request
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type}
        async with self.session.request(method, self.server + path, data=data, headers=headers) as response:
            text = await response.read()
        if not response.ok:
            raise RequestError(f"{method} {path}: {response.status} {text[:500].decode(errors='replace')}")

    async def send_all(self, requests: Iterable[Request]) -> None:
        """Send all, as many at once as there are connections."""
        await concurrently(self.send, requests)

    async def list(self, path: str) -> list[dict[str, Any]]:
        """All items of a collection, in pages of 500."""
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            page = await self.request("GET", f"{path}?limit=500&continue={token}")
            items += page["items"]
            token = page["metadata"].get("continue", "")
            if not token:
                return items


async def concurrently(work: Callable[[T], Any], items: Iterable[T], width: int = CONNECTIONS) -> None:
    """Await `work(item)` for each item, `width` at once. The first exception ends it."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(worker())


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[ApiClient]:
    """A client that acts as the user of the kubeconfig."""
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=tls_context(configuration))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield ApiClient(session, configuration.host)
