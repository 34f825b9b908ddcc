"""Rows 2 to 5: many ChurnModels in service, and nothing to do."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from churn_operator.settings import Settings

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
    """Create ChurnModels and InferenceServices as the operator and KServe leave them. What is there from an earlier
    run in the same folder is used again; what the operator has been asked to change since is made anew."""
    installation = parts.installation
    phases = {item["metadata"]["name"]: item.get("status", {}).get("phase") for item in await client.list(MODELS)}
    services = {item["metadata"]["name"] for item in await client.list(SERVICES)}

    async def create(name: str) -> None:
        path = f"{SERVICES}/{name}"
        if name in phases:
            await client.send(("PATCH", f"{MODELS}/{name}", {"metadata": {"finalizers": None}}, MERGE_PATCH))
            await client.send(("DELETE", f"{MODELS}/{name}", None, "application/json"))
        if name in services:
            await client.send(("DELETE", path, None, "application/json"))
        model = new_model(name, f"s3://{parts.cluster.bucket}/{name}/customers.csv", finalized=True)
        made = in_service(await client.request("POST", MODELS, model), _DIGEST, installation)
        await client.send(("PATCH", f"{path}?fieldManager=churnmodel-operator&force=true", made.service, APPLY_PATCH))
        await client.send(("PATCH", f"{path}/status", {"status": made.service_status}, MERGE_PATCH))
        await client.send(("PATCH", f"{MODELS}/{name}/status", {"status": made.status}, MERGE_PATCH))

    await concurrently(create, (name for name in names if phases.get(name) != "Serving" or name not in services))


async def measure(parts: Parts, client: ApiClient, names: list[str], window: float) -> list[Figure]:
    """Restart, `window` seconds of rest, and a forced look at each object."""
    objects = len(names)
    begun, clock = audit.now(), time.perf_counter()
    async with parts.operator() as running:
        await running.ready()
        await running.wait(600, "looked_at", objects)
        restart = time.perf_counter() - clock
        await running.quiet()
        figures = _restart(parts, begun, restart, objects)
        # Objects at rest are looked at again after 0.5 to 1.5 times this, evenly: from now on as ever after.
        await asyncio.sleep(Settings().resync_seconds / 2)
        figures += await _idle(parts, running, window, objects)
        figures.append(await _forced(parts, client, running, names))
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
    cpu, passes = after.cpu_seconds - before.cpu_seconds, after.passes - before.passes
    how = f"in {seconds:.0f} s: {passes} passes, {1000 * cpu / max(passes, 1):.1f} ms each"
    row = f"idle, {objects} in service"
    return [
        Figure(row, len(requests) / seconds, "requests/s", "below", MOST_REQUESTS, audit.tally(requests)),
        Figure(row, 100 * cpu / seconds, "% of a core", "below", MOST_CPU_PERCENT, how),
    ]


async def _forced(parts: Parts, client: ApiClient, running: RunningOperator, names: list[str]) -> Figure:
    """Touch every object, so that each is looked at again, and count what the operator writes."""
    begun, before = audit.now(), await running.read()
    touch = {"metadata": {"annotations": {"bench.churnops.dev/touched": begun.isoformat()}}}
    await client.send_all(("PATCH", f"{MODELS}/{name}", touch, MERGE_PATCH) for name in names)
    await running.wait(600, "passes", before.passes + len(names))
    await running.quiet()
    after = await running.read()
    writes = [request for request in audit.requests_of(parts.audit_log, OPERATOR_USER, begun) if request.writes]
    how = f"{after.passes - before.passes} passes, {len(names)} of them forced; {audit.tally(writes)}"
    return Figure(f"writes with nothing to do, {len(names)}", len(writes), "", "exactly", 0, how)
