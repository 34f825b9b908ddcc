"""Rows 2 to 5: many ChurnModels in service, and nothing to do."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from bench.figures import Figure
from bench.operator import audit
from bench.operator.api_client import APPLY_PATCH, MERGE_PATCH, ApiClient, concurrently
from bench.operator.churn_models import MODELS, SERVICES, in_service, new_model
from bench.operator.parts import OPERATOR_USER, Parts, RunningOperator

MOST_REQUESTS = 5.0
MOST_CPU_PERCENT = 5.0
MOST_MEBIBYTES = 500.0
MOST_RESTART_SECONDS = 120.0
_DIGEST = "5c3e0f5b" * 8


async def bring_into_service(parts: Parts, client: ApiClient, names: list[str]) -> None:
    """Create ChurnModels and InferenceServices as the operator and KServe leave them."""
    installation = parts.installation

    async def create(name: str) -> None:
        model = new_model(name, f"s3://{parts.cluster.bucket}/{name}/customers.csv", finalized=True)
        made = in_service(await client.request("POST", MODELS, model), _DIGEST, installation)
        path = f"{SERVICES}/{name}"
        await client.send(("PATCH", f"{path}?fieldManager=churnmodel-operator&force=true", made.service, APPLY_PATCH))
        await client.send(("PATCH", f"{path}/status", {"status": made.service_status}, MERGE_PATCH))
        await client.send(("PATCH", f"{MODELS}/{name}/status", {"status": made.status}, MERGE_PATCH))

    await concurrently(create, names)


async def measure(parts: Parts, client: ApiClient, names: list[str], window: float) -> list[Figure]:
    """Restart, idle for `window` seconds, and a forced look at each object."""
    objects = len(names)
    begun, clock = audit.now(), time.perf_counter()
    async with parts.operator() as running:
        await running.ready()
        await running.wait(600, "looked_at", objects)
        restart = time.perf_counter() - clock
        await running.quiet()
        figures = [*_restart(parts, begun, restart, objects)]
        figures += await _idle(parts, running, window, objects)
        figures += await _forced(parts, client, running, names)
        reading = await running.read()
    return [
        *figures,
        Figure(f"memory, {objects}", reading.resident_mebibytes, "MiB", "below", MOST_MEBIBYTES, "RSS after all of it"),
    ]


def _restart(parts: Parts, begun: datetime, seconds: float, objects: int) -> list[Figure]:
    requests = audit.requests_of(parts.audit_log, OPERATOR_USER, begun)
    writes = [request for request in requests if request.writes]
    return [
        Figure(
            f"restart, {objects}: all looked at",
            seconds,
            "s",
            "below",
            MOST_RESTART_SECONDS,
            "from the start of the process",
        ),
        Figure(f"restart, {objects}: writes", len(writes), "", "exactly", 0, f"requests: {audit.tally(requests)}"),
    ]


async def _idle(parts: Parts, running: RunningOperator, window: float, objects: int) -> list[Figure]:
    before, begun, clock = await running.read(), audit.now(), time.perf_counter()
    await asyncio.sleep(window)
    seconds = time.perf_counter() - clock
    requests = audit.requests_of(parts.audit_log, OPERATOR_USER, begun, audit.now())
    after = await running.read()
    cpu = 100 * (after.cpu_seconds - before.cpu_seconds) / seconds
    passes = after.passes - before.passes
    how = f"{seconds:.0f} s, {passes} passes; {audit.tally(requests)}"
    return [
        Figure(f"idle, {objects} in service", len(requests) / seconds, "requests/s", "below", MOST_REQUESTS, how),
        Figure(f"idle, {objects} in service", cpu, "% of a core", "below", MOST_CPU_PERCENT, "user and system time"),
    ]


async def _forced(parts: Parts, client: ApiClient, running: RunningOperator, names: list[str]) -> list[Figure]:
    """Touch every object, so that each is looked at again, and count what the operator writes."""
    begun, before = audit.now(), await running.read()
    touch = {"metadata": {"annotations": {"bench.churnops.dev/touched": begun.isoformat()}}}
    await client.send_all(("PATCH", f"{MODELS}/{name}", touch, MERGE_PATCH) for name in names)
    after = await running.wait(600, "passes", before.passes + len(names))
    await running.quiet()
    writes = [request for request in audit.requests_of(parts.audit_log, OPERATOR_USER, begun) if request.writes]
    how = f"{after.passes - before.passes} passes; {audit.tally(writes)}"
    return [Figure("writes with nothing to do", len(writes), "", "exactly", 0, how)]
