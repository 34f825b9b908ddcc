"""A real Kubernetes API server on etcd, without nodes and without controllers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import kubernetes

from churn_devcluster.binaries import Binaries
from churn_devcluster.certificates import CertificateAuthority
from churn_devcluster.errors import DevclusterError
from churn_devcluster.kubeconfig import Token, write_kubeconfig
from churn_devcluster.ports import LOOPBACK, free_port, free_ports, is_listening, require_free
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until

_READY_SECONDS = 180
_ISSUER = "https://kubernetes.default.svc.cluster.local"
_AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n"


class ControlPlane:
    """etcd and kube-apiserver in `work_dir`, on loopback ports.

    RBAC is on; clients authenticate by certificate or ServiceAccount token. Data and credentials stay in
    `work_dir`, so that a later start there finds its objects again. There is no controller: nothing
    collects garbage by ownerReference and a deleted namespace stays in Terminating.
    """

    def __init__(self, work_dir: Path, binaries: Binaries, port: int = 0, audit: bool = False) -> None:
        """`port` 0 takes a free one. `audit` logs every request's metadata to `audit_log`, one JSON a line.

        Raises:
            DevclusterError: the port is taken.
        """
        self.work_dir = work_dir
        self.binaries = binaries
        self.port = require_free(port, "the API server") if port else free_port()
        self.audit_log = work_dir / "audit.log"
        self._authority = CertificateAuthority(work_dir / "certificates")
        self._audit = audit
        self._etcd_port, self._etcd_peer_port = free_ports(2)
        logs = work_dir / "logs"
        self._etcd = Process("etcd", self._etcd_command(), logs / "etcd.log")
        self._apiserver = Process("kube-apiserver", self._apiserver_command(), logs / "kube-apiserver.log")

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of an administrator (group system:masters)."""
        return self.work_dir / "admin.kubeconfig"

    @property
    def authority_file(self) -> Path:
        """Certificate (PEM) by which clients recognize the API server."""
        return self._authority.certificate_file

    @property
    def running(self) -> bool:
        """Whether the API server's process runs."""
        return self._apiserver.running

    def start(self) -> Self:
        """Starts both, waits until /readyz answers, and writes the administrator's kubeconfig.

        Raises:
            DevclusterError: one of them ended or was not ready in time; the message carries its log.
        """
        self._authority.create()
        (self.work_dir / "audit-policy.yaml").write_text(_AUDIT_POLICY)
        self._etcd.start()
        try:
            wait_until(lambda: is_listening(self._etcd_port), "etcd", _READY_SECONDS, self._etcd)
            self.user_kubeconfig("admin", ["system:masters"], self.kubeconfig)
            self.start_apiserver()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops both; harmless when stopped."""
        self.stop_apiserver()
        self._etcd.stop()

    def start_apiserver(self) -> None:
        """Starts the API server on its port, over whatever etcd holds, and waits until it is ready.

        Raises:
            DevclusterError: it ended or was not ready in time, or etcd has ended.
        """
        if not self._etcd.running:
            raise DevclusterError(f"etcd has ended. The end of {self._etcd.log}:\n{self._etcd.log_tail()}")
        self._apiserver.start()
        wait_until(self._is_ready, "the API server", _READY_SECONDS, self._apiserver)

    def stop_apiserver(self, graceful: bool = False) -> None:
        """Ends the API server; etcd keeps running. By default at once, as a crash would, because a
        graceful end waits for every open watch."""
        if graceful:
            self._apiserver.stop(seconds=30)
        else:
            self._apiserver.kill()

    def restart_apiserver(self) -> None:
        """Ends the API server and starts it again: same port, same objects, same credentials."""
        self.stop_apiserver()
        self.start_apiserver()

    def client(self) -> kubernetes.client.ApiClient:
        """A new kubernetes client that acts as the administrator; close it, or use it in a with."""
        return kubernetes.config.new_client_from_config(str(self.kubeconfig))

    def create_namespace(self, name: str) -> None:
        """Creates the namespace unless it exists."""
        with self.client() as client, _conflict_is_success():
            kubernetes.client.CoreV1Api(client).create_namespace({"metadata": {"name": name}})

    def user_kubeconfig(self, user: str, groups: Sequence[str], path: Path) -> Path:
        """Writes a kubeconfig that authenticates as `user` in `groups` by certificate; returns `path`."""
        pair = self._authority.client_certificate(user, groups)
        return write_kubeconfig(path, self.server, self._certificate, user, pair)

    def service_account_token(
        self, namespace: str, name: str, audiences: Sequence[str] = (), seconds: int = 3600
    ) -> str:
        """A token of the ServiceAccount, as a pod's projected volume would hold it; creates the
        ServiceAccount when it does not exist. `seconds` is at least 600."""
        spec: dict[str, Any] = {"expirationSeconds": seconds, "audiences": list(audiences)}
        with self.client() as client:
            api = kubernetes.client.CoreV1Api(client)
            with _conflict_is_success():
                api.create_namespaced_service_account(namespace, {"metadata": {"name": name}})
            answer = api.create_namespaced_service_account_token(name, namespace, {"spec": spec})
        return str(answer.status.token)

    def service_account_kubeconfig(self, namespace: str, name: str, path: Path) -> Path:
        """Writes a kubeconfig that authenticates as the ServiceAccount for an hour; returns `path`."""
        token = Token(self.service_account_token(namespace, name))
        return write_kubeconfig(path, self.server, self._certificate, name, token, namespace)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _certificate(self) -> bytes:
        return self._authority.certificate_file.read_bytes()

    def _is_ready(self) -> bool:
        context = ssl.create_default_context(cafile=str(self._authority.certificate_file))
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{self.server}/readyz", verify=context, trust_env=False, timeout=5)
            return answer.status_code == httpx.codes.OK
        return False

    def _etcd_command(self) -> list[str | Path]:
        client = f"http://{LOOPBACK}:{self._etcd_port}"
        peer = f"http://{LOOPBACK}:{self._etcd_peer_port}"
        return [
            self.binaries.etcd,
            f"--data-dir={self.work_dir / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver_command(self) -> list[str | Path]:
        authority = self._authority
        return [
            self.binaries.kube_apiserver,
            f"--etcd-servers=http://{LOOPBACK}:{self._etcd_port}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={self.port}",
            f"--client-ca-file={authority.certificate_file}",
            f"--tls-cert-file={authority.serving_certificate_file}",
            f"--tls-private-key-file={authority.serving_key_file}",
            "--authorization-mode=RBAC",
            f"--service-account-issuer={_ISSUER}",
            f"--service-account-key-file={authority.service_account_key_file}",
            f"--service-account-signing-key-file={authority.service_account_key_file}",
            "--service-cluster-ip-range=10.96.0.0/16",
            # Pods never run here, so nothing waits for the default ServiceAccount of a namespace.
            "--disable-admission-plugins=ServiceAccount",
            # The only endpoint is loopback, which the reconciler refuses again and again.
            "--endpoint-reconciler-type=none",
            *(self._audit_flags() if self._audit else ()),
        ]

    def _audit_flags(self) -> tuple[str, ...]:
        policy = self.work_dir / "audit-policy.yaml"
        return f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}"


@contextmanager
def _conflict_is_success() -> Iterator[None]:
    """Swallows the API server's 409: the object exists already, which is what was wanted."""
    try:
        yield
    except kubernetes.client.ApiException as error:
        if error.status != httpx.codes.CONFLICT:
            raise
