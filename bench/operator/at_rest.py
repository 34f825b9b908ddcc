"""Rows 2 to 5: many ChurnModels in service, and nothing to do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

from churn_operator.settings import Settings

from bench.figures import Figure
from bench.operator import audit
from bench.operator.api_client import APPLY_PATCH, MERGE_PATCH, ApiClient, concurrently
from bench.operator.audit import AuditedRequest
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
    """Restart, idle for `window` seconds, and a forced look at each object."""
    objects = len(names)
    begun, clock = audit.now(), time.perf_counter()
    async with parts.operator() as running:
        await running.ready()
        await running.wait(600, "looked_at", objects)
        restart = time.perf_counter() - clock
        await running.quiet()
        figures = _restart(parts, begun, restart, objects)
        rest = await _rest(parts, running, window)
        looks = await _forced(parts, client, running, names)
        reading = await running.read()
    return [
        *figures,
        *_idle(rest, looks, objects),
        looks.figure,
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


@dataclass(frozen=True)
class _Rest:
    """A window in which nobody changes anything; `cpu` in seconds."""

    seconds: float
    cpu: float
    passes: int
    requests: list[AuditedRequest]


async def _rest(parts: Parts, running: RunningOperator, window: float) -> _Rest:
    before, begun, clock = await running.read(), audit.now(), time.perf_counter()
    await asyncio.sleep(window)
    seconds = time.perf_counter() - clock
    requests = audit.requests_of(parts.audit_log, OPERATOR_USER, begun, audit.now())
    after = await running.read()
    return _Rest(seconds, after.cpu_seconds - before.cpu_seconds, after.passes - before.passes, requests)


@dataclass(frozen=True)
class _Looks:
    """A look at every object, forced by touching it; `cpu` in seconds, that of the watch events included."""

    passes: int
    cpu: float
    requests: list[AuditedRequest]

    @property
    def figure(self) -> Figure:
        """Row 2."""
        writes = [request for request in self.requests if request.writes]
        how = f"{self.passes} passes; {audit.tally(writes)}"
        return Figure("writes with nothing to do", len(writes), "", "exactly", 0, how)


async def _forced(parts: Parts, client: ApiClient, running: RunningOperator, names: list[str]) -> _Looks:
    begun, before = audit.now(), await running.read()
    touch = {"metadata": {"annotations": {"bench.churnops.dev/touched": begun.isoformat()}}}
    await client.send_all(("PATCH", f"{MODELS}/{name}", touch, MERGE_PATCH) for name in names)
    await running.wait(600, "passes", before.passes + len(names))
    await running.quiet()
    after = await running.read()
    requests = audit.requests_of(parts.audit_log, OPERATOR_USER, begun)
    return _Looks(after.passes - before.passes, after.cpu_seconds - before.cpu_seconds, requests)


def _idle(rest: _Rest, looks: _Looks, objects: int) -> list[Figure]:
    """The window is shorter than the time after which each object at rest is looked at anyway, so those looks
    are added: as many a second as there would be, each at the price of a forced one."""
    expected = objects / Settings().resync_seconds
    missing = max(expected - rest.passes / rest.seconds, 0)
    window, added = rest.cpu / rest.seconds, missing * looks.cpu / looks.passes
    asked = missing * sum(not request.writes for request in looks.requests) / looks.passes
    requests = len(rest.requests) / rest.seconds + asked
    how = f"{100 * window:.2f} % in {rest.seconds:.0f} s with {rest.passes} passes, and {100 * added:.2f} % for"
    how += f" {missing:.1f} passes/s at {1000 * looks.cpu / looks.passes:.1f} ms"
    tally = f"in the window: {audit.tally(rest.requests)}"
    row = f"idle, {objects} in service"
    return [
        Figure(row, requests, "requests/s", "below", MOST_REQUESTS, tally),
        Figure(row, 100 * (window + added), "% of a core", "below", MOST_CPU_PERCENT, how),
    ]
