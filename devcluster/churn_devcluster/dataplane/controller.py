"""The control loop: watched objects and running servers in, processes, Envoy's routes and status out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from churn_devcluster.dataplane import (
    deployments,
    gateway,
    pod_environment,
    revisions,
    routing,
    scraping,
    status,
    templates,
)
from churn_devcluster.dataplane.activator import Activator
from churn_devcluster.dataplane.cluster import (
    CLUSTER_SERVING_RUNTIMES,
    FINALIZER,
    HTTP_ROUTES,
    INFERENCE_SERVICES,
    SERVING_RUNTIMES,
    Cluster,
    ClusterUnavailableError,
)
from churn_devcluster.dataplane.envoy import Envoy
from churn_devcluster.dataplane.idleness import Idleness
from churn_devcluster.dataplane.model import DeploymentMode, Phase, Pod, Service
from churn_devcluster.dataplane.pod_environment import with_addresses
from churn_devcluster.dataplane.routing import ServerKey
from churn_devcluster.dataplane.scraping import TARGETS_FILE, TargetsFile
from churn_devcluster.dataplane.servers import DEFAULT_COMMAND, ModelServer, Pace, PodSpec, Resolved
from churn_devcluster.dataplane.state import StateFolder
from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import LOOPBACK

logger = logging.getLogger(__name__)

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """How the data plane runs. Times are in seconds.

    Attributes:
        server_command: what starts a model server, before KServe's arguments, when its serving runtime
            has no command: the entry point of the image that cannot run here.
        retire_after: how long a revision without traffic keeps its server.
        idle_after: how long a revision with minReplicas 0 keeps its server without a request.
        longest_drain: how long requests in flight may hold up the end of a server.
        canary_list: whether this KServe has `spec.canary[]`, which came with 0.20 and routes since 0.21.
        tick: how often the loop looks without being woken.
    """

    work_dir: Path
    envoy_port: int
    server_command: Sequence[str] = DEFAULT_COMMAND
    pace: Pace = field(default_factory=Pace)
    retire_after: float = 10
    idle_after: float = 60
    longest_drain: float = 60
    canary_list: bool = True
    tick: float = 0.5


class Controller:
    """One loop over everything: this data plane serves a handful of models on one machine."""

    def __init__(self, settings: Settings, cluster: Cluster, envoy: Envoy, wake: asyncio.Event) -> None:
        self._settings = settings
        self._cluster = cluster
        self._envoy = envoy
        self._woken = wake
        # Set once everything was looked at.
        self.settled = asyncio.Event()
        self._states = StateFolder(settings.work_dir / "services")
        self.activator = Activator(self._wake_revision)
        self._services = _without_pods(self._states.load())
        self._restoring = set(self._services)
        self._servers: dict[ServerKey, ModelServer] = {}
        self._unneeded_since: dict[ServerKey, float] = {}
        self._asleep: set[ServerKey] = set()
        self._idleness = Idleness(envoy, settings.idle_after)
        self._targets = TargetsFile(settings.work_dir / TARGETS_FILE)

    async def run(self) -> None:
        """Passes until cancelled; what fails in one is tried again in the next."""
        while True:
            try:
                await self._pass()
                self.settled.set()
            except (ClusterUnavailableError, DevclusterError) as error:
                logger.warning("%s", error)
            except Exception:
                # As controllers do: one object that nobody foresaw must not end the service of all.
                logger.exception("a pass failed")
            try:
                async with asyncio.timeout(self._settings.tick):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()

    async def stop(self) -> None:
        """Ends every server; their models and the state stay for the next start."""
        self._targets.write([])
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    async def _pass(self) -> None:
        objects = {each["metadata"]["uid"]: each for each in self._cluster.objects(INFERENCE_SERVICES)}
        live = {uid: each for uid, each in objects.items() if "deletionTimestamp" not in each["metadata"]}
        for uid, each in live.items():
            self._services[uid] = self._reconciled(each)
        self._start_servers(live)
        leaving, sleeping = await self._leaving(live), await self._sleeping(live)
        await self._route(live, leaving, sleeping)
        await self._end(leaving | sleeping)
        self._targets.write(scraping.targets((self._services[uid] for uid in live), self._envoy.admin_port))
        for service in (self._services[uid] for uid in live):
            self._states.save(service)
        await self._publish(live)
        await self._collect(objects, live)

    def _reconciled(self, each: Object) -> Service:
        """The service after its spec was looked at."""
        service = self._services.get(each["metadata"]["uid"]) or _new_service(each)
        runtimes = [
            runtime
            for runtime in self._cluster.objects(SERVING_RUNTIMES)
            if runtime["metadata"]["namespace"] == service.namespace
        ]
        cluster_runtimes = self._cluster.objects(CLUSTER_SERVING_RUNTIMES)
        try:
            match service.mode:
                case DeploymentMode.STANDARD:
                    listed = templates.variants(each, runtimes, cluster_runtimes, self._settings.canary_list)
                    service = deployments.apply_spec(service, *listed)
                case DeploymentMode.KNATIVE:
                    template = templates.template(each, runtimes, cluster_runtimes)
                    service = revisions.apply_spec(service, template, templates.canary_percent(each))
        except templates.InvalidSpecError as error:
            return revisions.record_invalid_spec(service, error.reason, error.message)
        except revisions.TrafficRefusedError as error:
            logger.warning("%s/%s: Knative refuses: %s", service.namespace, service.name, error)
        except templates.InvalidCanaryError as error:
            logger.warning("%s/%s: %s", service.namespace, service.name, error)
        return revisions.forget(service)

    def _start_servers(self, live: Mapping[str, Object]) -> None:
        for uid in live:
            service = self._services[uid]
            for name in revisions.needed(service):
                if (uid, name) not in self._servers and (uid, name) not in self._asleep:
                    self._servers[(uid, name)] = self._server(service, name)

    def _server(self, service: Service, name: str) -> ModelServer:
        revision = service.revision(name)
        assert revision is not None
        template = revision.template
        uid = service.uid

        async def resolve() -> Resolved:
            resolved = await pod_environment.resolve(self._cluster, service.namespace, template)
            return replace(resolved, environment=with_addresses(resolved.environment, self._url))

        def report(pod: Pod | None) -> None:
            if uid in self._services:
                self._services[uid] = revisions.observe(self._services[uid], name, pod)
                self._woken.set()

        spec = PodSpec(
            name=name,
            service_name=service.name,
            template=template,
            model_folder=self._states.model_folder(service, name),
            log_folder=self._settings.work_dir / "logs" / service.namespace,
        )
        return ModelServer(spec, self._settings.server_command, self._settings.pace, resolve, report)

    async def _leaving(self, live: Mapping[str, Object]) -> set[ServerKey]:
        """Servers that nobody needs any more: no traffic for the grace time and no request in flight."""
        now = asyncio.get_running_loop().time()
        unneeded = {
            (uid, name)
            for uid, name in self._servers
            if uid in live and name not in revisions.needed(self._services[uid])
        }
        self._unneeded_since = {key: self._unneeded_since.get(key, now) for key in unneeded}
        return {key for key, since in self._unneeded_since.items() if await self._may_leave(key, now - since)}

    async def _may_leave(self, key: ServerKey, waited: float) -> bool:
        if waited < self._settings.retire_after:
            return False
        if waited > self._settings.retire_after + self._settings.longest_drain:
            return True
        cluster = routing.cluster_name(self._services[key[0]].namespace, key[1])
        return await self._envoy.active_requests(cluster) == 0

    async def _sleeping(self, live: Mapping[str, Object]) -> set[ServerKey]:
        """Ready servers of minReplicas 0 that go to zero now; the next request wakes them."""
        candidates: dict[str, ServerKey] = {}
        for uid, name in self._servers:
            if uid in live and revisions.may_sleep(self._services[uid], name):
                candidates[routing.cluster_name(self._services[uid].namespace, name)] = (uid, name)
        idle = await self._idleness.idle(candidates, asyncio.get_running_loop().time())
        sleeping = {candidates[cluster] for cluster in idle}
        self._asleep |= sleeping
        return sleeping

    async def _route(self, live: Mapping[str, Object], leaving: set[ServerKey], sleeping: set[ServerKey]) -> None:
        """Makes Envoy split as wished, and only then records that it does."""
        services = [self._services[uid] for uid in live]
        shares = {service.uid: revisions.shares_in_force(service) for service in services}
        http_routes = self._cluster.objects(HTTP_ROUTES)
        await self._envoy.apply(routing.build(services, http_routes, self.activator.port, leaving, sleeping))
        for uid, effective in shares.items():
            # Read afresh: a server may have reported while Envoy was busy.
            service = revisions.record_traffic(self._services[uid], effective)
            # What came up meanwhile is not told before it has its traffic.
            if revisions.shares_in_force(service) == effective and self._is_restored(service):
                service = revisions.record_model(service)
            if service != self._services[uid]:
                self._woken.set()
            self._services[uid] = service

    def _is_restored(self, service: Service) -> bool:
        """False while the servers of before our restart come up: a real controller's pods never went."""
        if service.uid not in self._restoring:
            return True
        latest = service.latest_created
        if latest is not None and (latest.pod is None or latest.pod.phase in (Phase.INITIALIZING, Phase.STARTING)):
            return False
        self._restoring.discard(service.uid)
        return True

    async def _end(self, keys: set[ServerKey]) -> None:
        for uid, name in keys:
            await self._servers.pop((uid, name)).stop()
            self._states.remove_model(self._services[uid], name)

    async def _publish(self, live: Mapping[str, Object]) -> None:
        """Writes each status that differs; adds KServe's finalizer to newcomers."""
        now = datetime.now(UTC)
        for uid, each in live.items():
            if FINALIZER not in (each["metadata"].get("finalizers") or []):
                await self._cluster.set_finalizer(each, present=True)
                continue
            service = self._services[uid]
            written = each.get("status", {})
            rendered = status.render(service, self._addresses(service), written, now)
            if rendered != written:
                await self._cluster.write_status(INFERENCE_SERVICES, each, rendered)
        find_backend = routing.backend_finder([self._services[uid] for uid in live])
        for http_route in self._cluster.objects(HTTP_ROUTES):
            rendered = gateway.status(http_route, find_backend, now)
            if rendered != http_route.get("status", {}):
                await self._cluster.write_status(HTTP_ROUTES, http_route, rendered)

    def _addresses(self, service: Service) -> status.Addresses:
        return status.Addresses(
            url=self._url(service.namespace, service.name),
            previous_url=f"{self._base_url}{routing.previous_path(service.namespace, service.name)}",
        )

    @property
    def _base_url(self) -> str:
        return f"http://{LOOPBACK}:{self._settings.envoy_port}"

    def _url(self, namespace: str, name: str) -> str:
        return f"{self._base_url}{routing.service_path(namespace, name)}"

    async def _collect(self, objects: Mapping[str, Object], live: Mapping[str, Object]) -> None:
        """Ends what belongs to deleted services; Envoy has no route to it since this pass."""
        for uid in [uid for uid in self._services if uid not in live]:
            mine = [key for key in self._servers if key[0] == uid]
            await asyncio.gather(*(self._servers.pop(key).stop() for key in mine))
            self._services.pop(uid)
            self._states.remove(uid)
        for uid, each in objects.items():
            if uid not in live and FINALIZER in (each["metadata"].get("finalizers") or []):
                await self._cluster.set_finalizer(each, present=False)

    async def _wake_revision(self, namespace: str, name: str) -> int:
        """Port of the revision's ready server, once there is one.

        Raises:
            LookupError: no such revision.
        """
        self._asleep -= {(uid, name) for uid in self._services if self._services[uid].namespace == namespace}
        self._woken.set()
        while True:
            port = self._ready_port(namespace, name)
            if port is not None:
                return port
            await asyncio.sleep(self._settings.pace.poll)

    def _ready_port(self, namespace: str, name: str) -> int | None:
        for service in self._services.values():
            revision = service.revision(name)
            if service.namespace == namespace and revision is not None:
                return revision.pod.port if revision.pod is not None else None
        raise LookupError(f"{namespace}/{name}")


def _new_service(each: Object) -> Service:
    metadata = each["metadata"]
    mode: DeploymentMode = templates.deployment_mode(each)
    return Service(namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"], mode=mode)


def _without_pods(services: Mapping[str, Service]) -> dict[str, Service]:
    """What a state file says of processes is over: they ended with the data plane."""
    return {
        uid: service.model_copy(
            update={"revisions": tuple(revision.model_copy(update={"pod": None}) for revision in service.revisions)}
        )
        for uid, service in services.items()
    }
