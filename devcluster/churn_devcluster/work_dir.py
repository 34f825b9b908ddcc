"""The folder one devcluster lives in: its lock, and the ports that its objects refer to."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import free_ports, require_free

# etcd takes 124 MB at once, and ends in a stack trace where they are not there.
_NEEDED_BYTES = 300 * 1000**2


@dataclass(frozen=True)
class Ports:
    """Loopback ports of what people and programs call; 0 takes a free one."""

    apiserver: int = 0
    s3: int = 0
    pipelines: int = 0
    envoy: int = 0
    prometheus: int = 0


_PURPOSES = {
    "apiserver": "the API server",
    "s3": "the S3 store",
    "pipelines": "the Kubeflow Pipelines endpoint",
    "envoy": "Envoy, the entry to all served models",
    "prometheus": "Prometheus",
}


@contextmanager
def exclusive(work_dir: Path) -> Iterator[None]:
    """Holds the folder for this process.

    Raises:
        DevclusterError: another devcluster holds it, it cannot be made, or its disk is full.
    """
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        lock = (work_dir / "lock").open("w")
    except OSError as error:
        raise DevclusterError(f"The folder {work_dir} cannot be used: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"Another devcluster runs in {work_dir}: stop it, or choose another --work-dir."
            raise DevclusterError(message) from error
        _require_room(work_dir)
        yield


def _require_room(work_dir: Path) -> None:
    free = shutil.disk_usage(work_dir).free
    if free < _NEEDED_BYTES:
        raise DevclusterError(
            f"The disk is full: {work_dir} has {free / 1000**2:.0f} MB left, and a devcluster needs about "
            f"{_NEEDED_BYTES // 1000**2} MB. Free some, or set TMPDIR or --work-dir to a folder with room."
        )


def settle_ports(work_dir: Path, wanted: Ports) -> Ports:
    """The ports to listen on: those wanted, else those of an earlier start in the folder, because the
    objects that were kept name them, else free ones. Remembers them in the folder.

    Raises:
        DevclusterError: one of them is taken.
    """
    file = work_dir / "ports.json"
    earlier = Ports(**json.loads(file.read_text())) if file.exists() else Ports()
    names = [field.name for field in fields(Ports)]
    known = {name: getattr(wanted, name) or getattr(earlier, name) for name in names}
    for name, port in known.items():
        if port:
            require_free(port, _PURPOSES[name])
    unknown = [name for name in names if not known[name]]
    settled = Ports(**{**known, **dict(zip(unknown, free_ports(len(unknown)), strict=True))})
    file.write_text(json.dumps(asdict(settled)))
    return settled
