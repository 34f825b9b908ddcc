"""The whole devcluster: control plane, S3, Kubeflow Pipelines, the KServe data plane and Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from churn_devcluster.access import SECRET_NAME, s3_access
from churn_devcluster.binaries import find_binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.dataplane import DataPlane
from churn_devcluster.kubectl import Kubectl
from churn_devcluster.object_store import ObjectStore
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
from churn_devcluster.prometheus import Prometheus
from churn_devcluster.prometheus_binary import find_prometheus
from churn_devcluster.work_dir import Ports, exclusive, settle_ports

BUCKET = "mlops-data"
PIPELINES_NAMESPACE = "kubeflow"
# An editable install: the definitions lie in the project's folder.
_DEFINITIONS = Path(__file__).parents[2] / "crds"


class _Part(Protocol):
    def start(self) -> object: ...
    def stop(self) -> None: ...


class Devcluster:
    """All parts, in one folder, on loopback.

    `control_plane`, `object_store`, `pipelines`, `data_plane` and `prometheus` are there once `start` has
    been called.
    Each can be stopped and started by itself, and keeps its port and data: that is how a fault is made.
    """

    control_plane: ControlPlane
    object_store: ObjectStore
    pipelines: PipelinesEndpoint
    data_plane: DataPlane
    prometheus: Prometheus
    kubectl: Kubectl

    def __init__(
        self,
        work_dir: Path,
        ports: Ports | None = None,
        bucket: str = BUCKET,
        audit: bool = False,
        say: Callable[[str], None] = lambda _: None,
        data_plane_options: Sequence[str] = (),
    ) -> None:
        """`say` is told each step of the start; `audit` logs every request to the API server;
        `data_plane_options` are further arguments of the data plane, such as `--without-canary-list`."""
        self.work_dir = work_dir.absolute()
        self.bucket = bucket
        self._wanted_ports = ports or Ports()
        self._audit = audit
        self._say = say
        self._data_plane_options = tuple(data_plane_options)
        self._started = ExitStack()

    def start(self) -> Self:
        """Starts everything, creates the bucket and the namespace of Kubeflow Pipelines, and installs
        ChurnModel's definition.

        Raises:
            DevclusterError: a part cannot be built, found or started, a port is taken, or another
                devcluster runs in the folder. Nothing is left running.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends every process, the last started first. The folder stays. Harmless when stopped."""
        self._started.close()

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of an administrator."""
        return self.control_plane.kubeconfig

    def end_serving(self, namespace: str) -> None:
        """Deletes whatever serves in a namespace, without waiting for its end."""
        self.kubectl("delete", "httproutes,inferenceservices", "--all", "--wait=false", f"--namespace={namespace}")

    def open_s3_to(self, namespace: str, service_account: str, secret: str = SECRET_NAME) -> None:
        """Creates the namespace, a Secret with the S3 credentials in it, and a ServiceAccount that has
        the Secret, as KServe wants it."""
        self.control_plane.create_namespace(namespace)
        self.kubectl.apply(s3_access(self.object_store.settings, namespace, service_account, secret))

    def environment(self) -> dict[str, str]:
        """Variables with which the operator and other programs find the parts."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            **self.object_store.settings.environment,
            "AWS_ENDPOINT_URL_S3": self.object_store.settings.endpoint,
            "KF_PIPELINES_ENDPOINT": self.pipelines.url,
            "PROMETHEUS_URL": self.prometheus.url,
        }

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self._started.enter_context(exclusive(self.work_dir))
        ports = settle_ports(self.work_dir, self._wanted_ports)
        self._say("looking for kube-apiserver, etcd, kubectl and Prometheus")
        binaries = find_binaries()
        find_prometheus()
        folder = self.work_dir
        self.control_plane = ControlPlane(folder / "control-plane", binaries, ports.apiserver, self._audit)
        self.object_store = ObjectStore(folder / "s3", ports.s3)
        self.pipelines = PipelinesEndpoint(folder / "pipelines", self.kubeconfig, ports.pipelines, PIPELINES_NAMESPACE)
        self.data_plane = DataPlane(self.kubeconfig, folder / "data-plane", ports.envoy, self._data_plane_options)
        self.prometheus = Prometheus(folder / "prometheus", self.data_plane.targets_file, ports.prometheus)
        self.kubectl = Kubectl(binaries.kubectl, self.kubeconfig, folder / "kubectl")
        self._say("starting the API server and the S3 store")
        self._start_together(self.control_plane, self.object_store)
        self._say("installing ChurnModel")
        self.kubectl.install_definitions(_DEFINITIONS)
        self.object_store.create_buckets([self.bucket])
        self._say("starting Kubeflow Pipelines, the KServe data plane and Prometheus")
        self._start_together(self.pipelines, self.data_plane, self.prometheus)
        self.open_s3_to(PIPELINES_NAMESPACE, "pipeline-runner")

    def _start_together(self, *parts: _Part) -> None:
        # Registered before they start, so that a part is stopped even when another one fails.
        for part in parts:
            self._started.callback(part.stop)
        with ThreadPoolExecutor(len(parts)) as pool:
            try:
                for started in [pool.submit(part.start) for part in parts]:
                    started.result()
            except BaseException:
                # Else leaving the pool would wait until the others are ready, or past their deadline.
                for part in parts:
                    part.stop()
                raise
