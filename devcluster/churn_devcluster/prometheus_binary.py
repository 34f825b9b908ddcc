"""Finds Prometheus, and has it built when the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from churn_devcluster.build import GoToolchain, build_progress, exclusive_build, find_go, require_room
from churn_devcluster.cache import cache_folder

MODULE_VERSION = "v0.316.0"
# The Go module of Prometheus 3.x has the version 0.3xx.
VERSION = "3.16.0"

_PACKAGE = "github.com/prometheus/prometheus/cmd/prometheus"
# Service discovery of clouds, which makes up most of the build; that by files is always there.
_TAGS = "netgo,remove_all_sd"
_NEEDED_BYTES = 2 * 1000**3
_SECONDS = 10


def find_prometheus() -> Path:
    """Path of the program: on $PATH (as Debian's package puts it there), else in the cache, else a build
    from its Go module into the cache: three minutes of CPU time, once a machine.

    A build has no user interface for the browser, whose files are not in the Go module; the API is whole.

    Raises:
        DevclusterError: the build is not possible (no Go, no room on the disk, no network): the sentence
            says what to do.
    """
    installed = shutil.which("prometheus")
    if installed is not None and _is_prometheus(installed):
        return Path(installed)
    cached = cache_folder() / "bin" / f"prometheus-{VERSION}" / "prometheus"
    if not os.access(cached, os.X_OK):
        build_prometheus(cached)
    return cached


def _is_prometheus(program: str) -> bool:
    """Other programs have this name too."""
    try:
        answer = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return (answer.stdout or answer.stderr).startswith("prometheus, version ")


def build_prometheus(destination: Path) -> None:
    """Builds it; two processes never build at once, and a build that was cut short leaves nothing behind.

    Prints its progress on stderr.

    Raises:
        DevclusterError: no Go, no room on the disk, no network, or a failed build.
    """
    work_dir = destination.parents[2] / "build" / destination.parent.name
    for folder in (destination.parent, work_dir):
        folder.mkdir(parents=True, exist_ok=True)
    with build_progress() as progress, exclusive_build(work_dir / "lock", progress.say, "Prometheus"):
        if destination.exists():
            return
        go = find_go("Prometheus", "install Prometheus, on Debian by `apt install prometheus`")
        require_room(destination.parent, "Prometheus", _NEEDED_BYTES)
        toolchain = GoToolchain(go, work_dir, "Prometheus")
        progress.say("downloading the sources of Prometheus")
        toolchain.require(_PACKAGE, MODULE_VERSION)
        progress.say("building Prometheus (some two minutes on two cores)")
        partial = work_dir / "prometheus"
        linker_flags = f"-s -w -X github.com/prometheus/common/version.Version={VERSION}"
        toolchain.build(_PACKAGE, partial, linker_flags, _TAGS)
        partial.replace(destination)
