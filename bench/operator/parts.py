"""The real parts a run is measured against: kube-apiserver, etcd, S3, a KFP endpoint, the operator's process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import aiohttp
from churn_devcluster.binaries import find_binaries
from churn_devcluster.cluster import PIPELINES_NAMESPACE, Devcluster
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.errors import DevclusterError
from churn_devcluster.kubectl import Kubectl
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
from churn_devcluster.prometheus import Prometheus
from churn_devcluster.waiting import wait_until
from churn_devcluster.work_dir import Ports, settle_ports
from churn_operator.core.observation import Installation
from churn_operator.settings import Settings
from churn_operator.wiring import installation

from bench.operator.churn_models import NAMESPACE
from bench.operator.operator_metrics import Reading, scrape

OPERATOR_USER = "churn-operator-bench"
_POLL_SECONDS = 2.0
"""Between two looks at the operator's metrics. A look is work for both sides, the more the more ChurnModels there are:
with four a second this process took 1.3 ms of CPU an object, beside 5 ms of the operator's."""
_DEFINITION_SECONDS = 60
_DEFINITIONS = (
    Path(__file__).parents[2] / "crds",
    Path(str(resources.files("churn_devcluster.dataplane").joinpath("crds"))),
)


@dataclass(frozen=True)
class Parts:
    """A devcluster with an audit log, without a data plane, whose KFP endpoint takes runs and starts none."""

    cluster: Devcluster
    operator_kubeconfig: Path

    @property
    def audit_log(self) -> Path:
        """One JSON a request to the API server."""
        return self.cluster.control_plane.audit_log

    @property
    def settings(self) -> dict[str, str]:
        """The operator as it is deployed: its defaults, JSON logs, and a user of its own, by whom the audit log
        knows it."""
        return {
            "KUBECONFIG": str(self.operator_kubeconfig),
            "CHURN_LOG_FORMAT": "json",
            "CHURN_PIPELINES_POLL_SECONDS": f"{Settings().pipelines_poll_seconds:g}",
        }

    @property
    def installation(self) -> Installation:
        """The constants of the operator's decisions."""
        return installation(
            Settings(
                artifact_root=f"s3://{self.cluster.bucket}/churn",
                s3_endpoint=self.cluster.object_store.settings.endpoint,
                pipelines_endpoint=self.cluster.pipelines.url,
                pipelines_namespace=PIPELINES_NAMESPACE,
            ),
            "knative",
        )

    @asynccontextmanager
    async def operator(self, pipelines_url: str | None = None) -> AsyncIterator[RunningOperator]:
        """The operator's process; it runs while the context is open, and need not be ready yet."""
        settings = dict(self.settings)
        if pipelines_url is not None:
            settings["CHURN_PIPELINES_ENDPOINT"] = pipelines_url
        process = OperatorProcess(self.cluster, settings)
        process.start(wait=False)
        try:
            yield RunningOperator(process)
        finally:
            await asyncio.to_thread(process.stop)


@dataclass(frozen=True)
class RunningOperator:
    """The process and its metrics."""

    process: OperatorProcess

    async def read(self) -> Reading:
        """One scrape."""
        return await scrape(self.process.metrics_url)

    async def ready(self, seconds: float = 120) -> None:
        """Return once /readyz says so. Raises TimeoutError after `seconds`."""
        url = self.process.metrics_url.replace("/metrics", "/readyz")
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    async def wait(self, seconds: float, reached: str, least: int) -> Reading:
        """The first reading whose field `reached` is at least `least`.

        Raises RuntimeError, with the end of the operator's log, after `seconds` or where the process ended.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            reading = await self.read()
            if getattr(reading, reached) >= least:
                return reading
            late = asyncio.get_running_loop().time() > deadline
            if late or not self.process.running:
                tail = self.process.log.read_text()[-3000:]
                raise RuntimeError(f"{reached} is {getattr(reading, reached)}, not {least}:\n{tail}")
            await asyncio.sleep(_POLL_SECONDS)

    async def quiet(self, seconds: float = 3) -> None:
        """Return once no pass was run for `seconds`, or after 60 s."""
        loop = asyncio.get_running_loop()
        deadline, since, before = loop.time() + 60, loop.time(), -1
        while loop.time() < deadline and loop.time() - since < seconds:
            passes = (await self.read()).passes
            if passes != before:
                before, since = passes, loop.time()
            await asyncio.sleep(_POLL_SECONDS)


@contextmanager
def parts(work_dir: Path) -> Iterator[Parts]:
    """Start everything; all of it has ended when the context is left. Raises DevclusterError."""
    cluster, ports, binaries = Devcluster(work_dir), _ports(work_dir), find_binaries()
    with ExitStack() as stack:
        # One by one and not by `cluster.start`: that would have a data plane look after the InferenceServices.
        control_plane = ControlPlane(work_dir / "control-plane", binaries, ports.apiserver, audit=True)
        cluster.control_plane = stack.enter_context(control_plane)
        cluster.object_store = stack.enter_context(ObjectStore(work_dir / "s3", ports.s3))
        cluster.object_store.create_buckets([cluster.bucket])
        cluster.kubectl = Kubectl(binaries.kubectl, cluster.kubeconfig, work_dir / "kubectl")
        _install_definitions(cluster)
        endpoint = PipelinesEndpoint(
            work_dir / "pipelines", cluster.kubeconfig, ports.pipelines, PIPELINES_NAMESPACE, concurrent_runs=0
        )
        cluster.pipelines = stack.enter_context(endpoint)
        cluster.open_s3_to(PIPELINES_NAMESPACE, "pipeline-runner")
        # Never started: no object here has an analysis that would ask it.
        cluster.prometheus = Prometheus(work_dir / "prometheus", work_dir / "targets.json", ports.prometheus)
        control_plane.create_namespace(NAMESPACE)
        yield Parts(
            cluster, control_plane.user_kubeconfig(OPERATOR_USER, ["system:masters"], work_dir / "operator.kubeconfig")
        )


def _ports(work_dir: Path) -> Ports:
    work_dir.mkdir(parents=True, exist_ok=True)
    return settle_ports(work_dir, Ports())


def _install_definitions(cluster: Devcluster) -> None:
    """ChurnModel's, and those of KServe with its admission policy."""
    for folder in _DEFINITIONS:
        cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={folder}")
    wait_until(lambda: _established(cluster), "the definitions", _DEFINITION_SECONDS)


def _established(cluster: Devcluster) -> bool:
    with suppress(DevclusterError):
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=5s", "--all", "customresourcedefinitions")
        return True
    return False
