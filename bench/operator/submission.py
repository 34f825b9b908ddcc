"""Row 6: from a change of the spec to the run that KFP has taken."""

from __future__ import annotations

import asyncio
import io
import json
import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from churn_devcluster.ports import LOOPBACK, free_port
from minio import Minio

from bench.figures import Figure
from bench.operator.api_client import MERGE_PATCH, ApiClient
from bench.operator.churn_models import MODELS
from bench.operator.parts import Parts

MOST_SECONDS = 1.0
_HOP_BY_HOP = frozenset({"transfer-encoding", "connection", "content-encoding", "content-length"})


@dataclass
class Submissions:
    """Stands before the KFP endpoint, hands everything on, and notes when a run was taken."""

    upstream: str
    url: str
    taken: dict[str, float] = field(default_factory=dict)
    """Seconds of time.perf_counter by the ChurnModel's name."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def forward(self, request: web.Request) -> web.Response:
        """Hand a request on."""
        body = await request.read()
        session: aiohttp.ClientSession = request.app[_SESSION]
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with session.request(
            request.method, f"{self.upstream}{request.raw_path}", data=body, headers=headers
        ) as answer:
            content = await answer.read()
        if request.method == "POST" and request.path.endswith("/runs") and answer.ok:
            self.taken.setdefault(json.loads(body)["display_name"].rsplit("-", 2)[0], time.perf_counter())
            self._changed.set()
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return web.Response(status=answer.status, body=content, headers=kept)

    async def wait_for(self, names: Sequence[str], seconds: float = 120) -> None:
        """Return once each has a run. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not all(name in self.taken for name in names):
                self._changed.clear()
                await self._changed.wait()


_SESSION = web.AppKey("session", aiohttp.ClientSession)


@asynccontextmanager
async def noting_submissions(upstream: str) -> AsyncIterator[Submissions]:
    """The proxy; it listens while the context is open."""
    port = free_port()
    submissions = Submissions(upstream, f"http://{LOOPBACK}:{port}")
    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", submissions.forward)
    async with aiohttp.ClientSession(auto_decompress=True) as session:
        application[_SESSION] = session
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
            yield submissions
        finally:
            await runner.cleanup()


async def measure(parts: Parts, client: ApiClient, names: list[str], changes: int, rate: float) -> list[Figure]:
    """Change the hyperparameters of `changes` objects, `rate` a second, at random moments."""
    bucket, chosen = parts.cluster.bucket, random.Random(1).sample(names, min(changes, len(names)))
    store = parts.cluster.object_store.settings.client()
    for name in chosen:
        await asyncio.to_thread(_upload, store, bucket, f"{name}/customers.csv")
    async with (
        noting_submissions(parts.cluster.pipelines.url) as submissions,
        parts.operator(submissions.url) as running,
    ):
        await running.ready()
        await running.wait(600, "looked_at", len(names))
        await running.quiet()
        asked = await _change(client, chosen, rate)
        await submissions.wait_for(chosen)
    waits = sorted(submissions.taken[name] - asked[name] for name in chosen)
    p99, p50 = waits[math.ceil(0.99 * len(waits)) - 1], waits[len(waits) // 2]
    how = f"{len(waits)} changes, {rate:g}/s; p50 {p50:.3f} s, most {waits[-1]:.3f} s"
    return [Figure(f"change to submitted run, {len(names)} active: p99", p99, "s", "below", MOST_SECONDS, how)]


async def _change(client: ApiClient, chosen: list[str], rate: float) -> dict[str, float]:
    """When each change was sent, before its request."""
    asked: dict[str, float] = {}
    pause = random.Random(2)
    async with asyncio.TaskGroup() as group:
        for number, name in enumerate(chosen):
            patch = {"spec": {"training": {"hyperparameters": {"C": 2.0 + number}}}}
            asked[name] = time.perf_counter()
            group.create_task(client.send(("PATCH", f"{MODELS}/{name}", patch, MERGE_PATCH)))
            await asyncio.sleep(pause.expovariate(rate))
    return asked


def _upload(store: Minio, bucket: str, path: str) -> None:
    content = b"customerID,Churn\n1,No\n"
    store.put_object(bucket, path, io.BytesIO(content), len(content))
