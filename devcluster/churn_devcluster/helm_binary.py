"""Finds Helm, and has it built when the machine has none. The tests of the chart need it; nothing else does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from churn_devcluster.build import GoToolchain, build_progress, exclusive_build, find_go, require_room
from churn_devcluster.cache import cache_folder

VERSION = "v4.3.1"

_PACKAGE = "helm.sh/helm/v4/cmd/helm"
_NEEDED_BYTES = 2 * 1000**3
_SECONDS = 10


def find_helm() -> Path:
    """Path of the program: on $PATH, else in the cache, else a build from its Go module into the cache:
    five minutes of CPU time, once a machine.

    Raises:
        DevclusterError: the build is not possible (no Go, no room on the disk, no network): the sentence
            says what to do.
    """
    installed = shutil.which("helm")
    if installed is not None and _is_helm(installed):
        return Path(installed)
    cached = cache_folder() / "bin" / f"helm-{VERSION}" / "helm"
    if not os.access(cached, os.X_OK):
        build_helm(cached)
    return cached


def _is_helm(program: str) -> bool:
    """Another program has this name too, and Helm 2 knows other charts."""
    try:
        answer = subprocess.run(
            [program, "version", "--short"], check=False, capture_output=True, text=True, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.stdout.startswith(("v3.", "v4."))


def build_helm(destination: Path) -> None:
    """Builds it; two processes never build at once, and a build that was cut short leaves nothing behind.

    Prints its progress on stderr.

    Raises:
        DevclusterError: no Go, no room on the disk, no network, or a failed build.
    """
    work_dir = destination.parents[2] / "build" / destination.parent.name
    for folder in (destination.parent, work_dir):
        folder.mkdir(parents=True, exist_ok=True)
    with build_progress() as progress, exclusive_build(work_dir / "lock", progress.say, "Helm"):
        if destination.exists():
            return
        go = find_go("Helm", "install Helm: https://helm.sh/docs/intro/install")
        require_room(destination.parent, "Helm", _NEEDED_BYTES)
        toolchain = GoToolchain(go, work_dir, "Helm")
        progress.say("downloading the sources of Helm")
        toolchain.require(_PACKAGE, VERSION)
        progress.say("building Helm (some three minutes on two cores)")
        partial = work_dir / "helm"
        linker_flags = f"-s -w -X helm.sh/helm/v4/internal/version.version={VERSION}"
        toolchain.build(_PACKAGE, partial, linker_flags)
        partial.replace(destination)
