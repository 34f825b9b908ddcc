"""Finds kube-apiserver, etcd and kubectl, and has them built when the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from churn_devcluster.build import KUBERNETES_VERSION, PROGRAMS, build_programs
from churn_devcluster.cache import cache_folder
from churn_devcluster.errors import DevclusterError

# setup-envtest may have to download an archive first.
_SETUP_ENVTEST_SECONDS = 300


@dataclass(frozen=True)
class Binaries:
    """A folder that holds the three programs of the control plane."""

    folder: Path

    @property
    def kube_apiserver(self) -> Path:
        """The API server."""
        return self.folder / "kube-apiserver"

    @property
    def etcd(self) -> Path:
        """Its store."""
        return self.folder / "etcd"

    @property
    def kubectl(self) -> Path:
        """The command line client."""
        return self.folder / "kubectl"


def find_binaries() -> Binaries:
    """The binaries: $KUBEBUILDER_ASSETS, else the cache, else setup-envtest's, else a build from Go
    modules into the cache (about eight minutes on two cores, once a machine).

    Raises:
        DevclusterError: $KUBEBUILDER_ASSETS is incomplete, or the build is not possible (no Go, no room
            on the disk, no network): the sentence says what to do.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return _complete(Path(assets))
    cached = cache_folder() / "bin" / KUBERNETES_VERSION
    if not _missing(cached):
        return Binaries(cached)
    installed = _from_setup_envtest()
    if installed is not None:
        return installed
    build_programs(cached)
    return Binaries(cached)


def _missing(folder: Path) -> list[str]:
    return [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]


def _complete(folder: Path) -> Binaries:
    missing = _missing(folder)
    if missing:
        raise DevclusterError(
            f"KUBEBUILDER_ASSETS is {folder}, which lacks {', '.join(missing)}: "
            "point it to a folder that has them, or unset it."
        )
    return Binaries(folder)


def _from_setup_envtest() -> Binaries | None:
    program = shutil.which("setup-envtest")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "use", "--print", "path"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_SETUP_ENVTEST_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    folder = Path(answer.stdout.strip())
    return None if _missing(folder) else Binaries(folder)
