"""How fast status writes are, against raw concurrent patches: the figures of docs/adr/0003.

`python -m bench.cluster.status_writes` prints them.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import kubernetes
import kubernetes.config
from churn_devcluster.binaries import find_binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.kubectl import Kubectl
from churn_operator.adapters.api_session import MERGE_PATCH, ApiSession, tls_context
from churn_operator.adapters.cluster import KubernetesCluster
from churn_operator.adapters.kubernetes_api import KubernetesApi
from churn_operator.core.observation import ObjectKey

_OBJECTS = 300
_ROUNDS = 3
_CONNECTIONS = 64
_GROUP = "/apis/churnops.dev/v1alpha1"

Write = Callable[[int, str], Awaitable[None]]


def _status(said: str) -> dict[str, Any]:
    condition = {
        "status": "False",
        "reason": "Waiting",
        "message": f"The run is asked for: {said}.",
        "lastTransitionTime": "2026-08-01T00:00:00Z",
        "observedGeneration": 1,
    }
    conditions = [{"type": kind, **condition} for kind in ("Ready", "Reconciling", "Trained")]
    return {"observedGeneration": 1, "phase": "Training", "conditions": conditions}


class Writers:
    """Three ways to write the same statuses."""

    def __init__(self, namespace: str, client: kubernetes.client.ApiClient, raw: aiohttp.ClientSession) -> None:
        self._namespace = namespace
        self._host = client.configuration.host
        self._raw = raw
        client.configuration.connection_pool_maxsize = _CONNECTIONS
        self.api = KubernetesApi(kubernetes.client.ApiClient(client.configuration), size=16)
        self.session = ApiSession(client.configuration)
        self._cluster = KubernetesCluster(self.session)
        self._versions: dict[int, str] = {}

    def _path(self, number: int) -> str:
        return f"{_GROUP}/namespaces/{self._namespace}/churnmodels/model-{number}"

    async def create(self, number: int) -> None:
        body = {
            "apiVersion": "churnops.dev/v1alpha1",
            "kind": "ChurnModel",
            "metadata": {"name": f"model-{number}"},
            "spec": {"dataset": {"uri": "s3://mlops/customers.csv"}},
        }
        made = await self.session.request("POST", f"{_GROUP}/namespaces/{self._namespace}/churnmodels", body)
        self._versions[number] = made["metadata"]["resourceVersion"]

    async def raw(self, number: int, said: str) -> None:
        """A bare patch."""
        content = json.dumps({"status": _status(said)}).encode()
        url = f"{self._host}{self._path(number)}/status"
        async with self._raw.patch(url, data=content, headers={"Content-Type": MERGE_PATCH}) as response:
            response.raise_for_status()
            self._versions[number] = (await response.json())["metadata"]["resourceVersion"]

    async def adapter(self, number: int, said: str) -> None:
        """The Cluster port."""
        key = ObjectKey(self._namespace, f"model-{number}")
        written = await self._cluster.write_status(key, _status(said), self._versions[number])
        self._versions[number] = written["metadata"]["resourceVersion"]

    async def threads(self, number: int, said: str) -> None:
        """The kubernetes client in its pool of 16 threads."""
        body = {"status": _status(said)}
        request = self.api._pool.call
        written = await request(
            self.api._request_in_thread, "PATCH", f"{self._path(number)}/status", {}, body, MERGE_PATCH
        )
        self._versions[number] = written["metadata"]["resourceVersion"]


async def _rate(write: Write, said: str) -> tuple[float, float]:
    """Writes a second, and milliseconds of processor a write in this process."""
    started, processor = time.perf_counter(), _processor()
    gate = asyncio.Semaphore(_CONNECTIONS)

    async def one(number: int) -> None:
        async with gate:
            await write(number, said)

    await asyncio.gather(*(one(number) for number in range(_OBJECTS)))
    return _OBJECTS / (time.perf_counter() - started), (_processor() - processor) / _OBJECTS * 1000


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(client: kubernetes.client.ApiClient) -> None:
    """Print the three rates, each the median of some rounds in turns."""
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=tls_context(client.configuration))
    async with aiohttp.ClientSession(connector=connector) as raw:
        writers = Writers("default", client, raw)
        await asyncio.gather(*(writers.create(number) for number in range(_OBJECTS)))
        ways: dict[str, Write] = {"raw": writers.raw, "adapter": writers.adapter, "threads": writers.threads}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        costs: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(_ROUNDS):
            for name, write in ways.items():
                rate, cost = await _rate(write, f"{name} {number}")
                rates[name].append(rate)
                costs[name].append(cost)
        await writers.session.close()
        writers.api.close()
    bare = statistics.median(rates["raw"])
    for name in ways:
        rate, cost = statistics.median(rates[name]), statistics.median(costs[name])
        print(f"{name}: {rate:.0f}/s ({rate / bare:.2f} of raw), {cost:.2f} ms of processor a write")


def main() -> None:
    """A control plane of its own, and the measurement."""
    definitions = Path(__file__).parents[2] / "crds"
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(folder), find_binaries()) as running:
        Kubectl(find_binaries().kubectl, running.kubeconfig, Path(folder)).install_definitions(definitions)
        configuration = kubernetes.client.Configuration()
        kubernetes.config.load_kube_config(str(running.kubeconfig), client_configuration=configuration)
        asyncio.run(measure(kubernetes.client.ApiClient(configuration)))


if __name__ == "__main__":
    main()
