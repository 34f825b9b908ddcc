"""Probes and metrics over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from churn_operator.reconcile.watches import Watches


@dataclass
class Health:
    """Alive: the event loop answers, the workers run, or wait for the Lease, and the watches have not been failing for
    long. Ready: the watches were started."""

    watches: Watches
    workers: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether a restart would not help."""
        return (self.workers is None or not self.workers.done()) and not self.watches.failing

    @property
    def ready(self) -> bool:
        """Whether passes are run, or would be at once if the operator that leads were gone."""
        return self.watches.watching and self.workers is not None and not self.workers.done()


@asynccontextmanager
async def serving_health(
    health: Health, metrics: Callable[[], bytes], address: str, *ports: int
) -> AsyncIterator[None]:
    """Serve /healthz, /readyz and /metrics on each distinct port while the context is open. `metrics` gives their
    text, and is called in a thread.

    Raises OSError if a port is taken.
    """
    application = web.Application()
    application.router.add_get("/healthz", _probe(lambda: health.alive))
    application.router.add_get("/readyz", _probe(lambda: health.ready))
    application.router.add_get("/metrics", _metrics(metrics))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        for port in sorted(set(ports)):
            await web.TCPSite(runner, address, port).start()
        yield
    finally:
        await runner.cleanup()


def _probe(check: Callable[[], bool]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if check() else web.Response(text="not yet\n", status=503)

    return answer


def _metrics(text: Callable[[], bytes]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        # In a thread: with ten thousand ChurnModels the text is long, and the loop goes on meanwhile.
        body = await asyncio.to_thread(text)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer
