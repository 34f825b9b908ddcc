"""Row 1: new objects until each status is written, against raw status patches of the same objects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Figure
from bench.operator import audit
from bench.operator.api_client import MERGE_PATCH, ApiClient, Request
from bench.operator.churn_models import MODELS, new_model
from bench.operator.parts import OPERATOR_USER, Parts

LEAST_RATIO = 0.5


@dataclass(frozen=True)
class Round:
    """Objects a second, and each side's own CPU time in milliseconds an object."""

    operator: float
    raw: float
    operator_cpu: float
    raw_cpu: float

    @property
    def ratio(self) -> float:
        """The operator's share of the raw rate."""
        return self.operator / self.raw


async def measure(parts: Parts, client: ApiClient, objects: int, rounds: int) -> list[Figure]:
    """The median round."""
    measured = [
        await _round(parts, client, [f"new-{number}-{i:05d}" for i in range(objects)]) for number in range(rounds)
    ]
    middle = sorted(measured, key=lambda one: one.ratio)[len(measured) // 2]
    spread = ", ".join(f"{one.ratio:.2f}" for one in measured)
    operator_cpu, raw_cpu = f"{middle.operator_cpu:.1f} ms of CPU each", f"{middle.raw_cpu:.1f} ms of CPU each"
    return [
        Figure(f"throughput, {objects} new", middle.ratio, "of raw", "at least", LEAST_RATIO, f"rounds: {spread}"),
        Figure(f"  the operator, {objects}", middle.operator, "objects/s", note=f"statuses written; {operator_cpu}"),
        Figure(f"  raw status patches, {objects}", middle.raw, "patches/s", note=f"64 connections; {raw_cpu}"),
    ]


async def _round(parts: Parts, client: ApiClient, names: Sequence[str]) -> Round:
    """Each object names a dataset of its own that is not there: one question to S3, a decision, a status, an event."""
    bucket = parts.cluster.bucket
    await client.send_all(
        ("POST", MODELS, new_model(name, f"s3://{bucket}/{name}/customers.csv"), "application/json") for name in names
    )
    operator, operator_cpu = await _operator_rate(parts, len(names))
    statuses = {item["metadata"]["name"]: item["status"] for item in await client.list(MODELS)}
    missing = [name for name in names if not statuses.get(name, {}).get("conditions")]
    if missing:
        raise RuntimeError(f"{len(missing)} objects have no status, such as {missing[0]}")
    await client.send_all(_patch(name, None) for name in names)
    raw, raw_cpu = await _raw_rate(client, [_patch(name, statuses[name]) for name in names])
    await client.send_all(("DELETE", f"{MODELS}/{name}", None, "application/json") for name in names)
    return Round(operator, raw, operator_cpu, raw_cpu)


async def _operator_rate(parts: Parts, objects: int) -> tuple[float, float]:
    """From the moment the operator is ready (its watches are about to be opened) to the last status that the
    API server wrote, by the API server's clock."""
    async with parts.operator() as running:
        await running.ready()
        begun, before = audit.now(), await running.read()
        await running.wait(600, "status_writes", objects)
        await running.quiet()
        after = await running.read()
    written = [
        request.finished
        for request in audit.requests_of(parts.audit_log, OPERATOR_USER, begun)
        if request.resource == "churnmodels" and request.subresource == "status" and request.code == 200
    ]
    if len(written) < objects:
        raise RuntimeError(f"the audit log has {len(written)} status writes, not {objects}")
    cpu = 1000 * (after.cpu_seconds - before.cpu_seconds) / objects
    return objects / (sorted(written)[objects - 1] - begun).total_seconds(), cpu


async def _raw_rate(client: ApiClient, patches: list[Request]) -> tuple[float, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    await client.send_all(patches)
    seconds = time.perf_counter() - begun
    return len(patches) / seconds, 1000 * (time.process_time() - cpu) / len(patches)


def _patch(name: str, status: dict[str, object] | None) -> Request:
    return ("PATCH", f"{MODELS}/{name}/status", {"status": status}, MERGE_PATCH)
