"""Knative's activator: holds requests for a revision that has no ready server, and wakes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from churn_devcluster.ports import LOOPBACK, free_port

NAMESPACE_HEADER = "knative-serving-namespace"
REVISION_HEADER = "knative-serving-revision"

# Port of the ready server of (namespace, revision); waits for it.
Wake = Callable[[str, str], Awaitable[int]]

_MAXIMUM_BODY_BYTES = 64 * 2**20
_HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "host"})


class Activator:
    """An HTTP proxy for Envoy: the headers say which revision a request is for."""

    def __init__(self, wake: Wake, seconds: float = 60) -> None:
        """`seconds` bounds the wait for a server."""
        self.port = free_port()
        self._wake = wake
        self._seconds = seconds
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Listens on `port`."""
        application = web.Application(client_max_size=_MAXIMUM_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._client = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port).start()

    async def stop(self) -> None:
        """Stops listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._client is not None:
            await self._client.close()

    async def _answer(self, request: web.Request) -> web.Response:
        namespace = request.headers.get(NAMESPACE_HEADER, "")
        revision = request.headers.get(REVISION_HEADER, "")
        try:
            async with asyncio.timeout(self._seconds):
                port = await self._wake(namespace, revision)
        except (TimeoutError, LookupError):
            return web.Response(status=503, text=f"no server of revision {namespace}/{revision} is ready\n")
        return await self._forward(request, port)

    async def _forward(self, request: web.Request, port: int) -> web.Response:
        assert self._client is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_HEADERS}
        try:
            async with self._client.request(
                request.method,
                f"http://{LOOPBACK}:{port}{request.raw_path}",
                headers=headers,
                data=await request.read(),
            ) as answer:
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP_HEADERS}
                return web.Response(status=answer.status, headers=kept, body=await answer.read())
        except aiohttp.ClientError as error:
            return web.Response(status=502, text=f"{error}\n")
