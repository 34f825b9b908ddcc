"""Finds Prometheus and promtool, and has them built when the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from churn_devcluster.build import GoToolchain, build_progress, exclusive_build, find_go, require_room
from churn_devcluster.cache import cache_folder

MODULE_VERSION = "v0.316.0"
# The Go module of Prometheus 3.x has the version 0.3xx.
VERSION = "3.16.0"

_MODULE = "github.com/prometheus/prometheus"
# Service discovery of clouds, which makes up most of the build; that by files is always there.
_TAGS = "netgo,remove_all_sd"
_NEEDED_BYTES = 2 * 1000**3
_SECONDS = 10


@dataclass(frozen=True)
class _Program:
    """One of the programs of Prometheus' Go module."""

    name: str
    product: str

    @property
    def package(self) -> str:
        """The main package."""
        return f"{_MODULE}/cmd/{self.name}"

    @property
    def cached(self) -> Path:
        """Where a build of it lies."""
        return cache_folder() / "bin" / f"{self.name}-{VERSION}" / self.name


_SERVER = _Program("prometheus", "Prometheus")
_TOOL = _Program("promtool", "promtool")


def find_prometheus() -> Path:
    """Path of the program: on $PATH (as Debian's package puts it there), else in the cache, else a build
    from its Go module into the cache: three minutes of CPU time, once a machine.

    A build has no user interface for the browser, whose files are not in the Go module; the API is whole.

    Raises:
        DevclusterError: the build is not possible (no Go, no room on the disk, no network): the sentence
            says what to do.
    """
    return _find(_SERVER)


def find_promtool() -> Path:
    """Path of the program that checks rules and runs their tests; found and built as Prometheus is.

    Raises:
        DevclusterError: as of `find_prometheus`.
    """
    return _find(_TOOL)


def _find(program: _Program) -> Path:
    installed = shutil.which(program.name)
    if installed is not None and _is(installed, program):
        return Path(installed)
    if not os.access(program.cached, os.X_OK):
        _build(program)
    return program.cached


def _is(path: str, program: _Program) -> bool:
    """Other programs have these names too."""
    try:
        answer = subprocess.run([path, "--version"], check=False, capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    return (answer.stdout or answer.stderr).startswith(f"{program.name}, version ")


def _build(program: _Program) -> None:
    """Builds it; two processes never build at once, and a build that was cut short leaves nothing behind.
    Prints its progress on stderr."""
    destination, product = program.cached, program.product
    work_dir = destination.parents[2] / "build" / destination.parent.name
    for folder in (destination.parent, work_dir):
        folder.mkdir(parents=True, exist_ok=True)
    with build_progress() as progress, exclusive_build(work_dir / "lock", progress.say, product):
        if destination.exists():
            return
        go = find_go(product, "install Prometheus, on Debian by `apt install prometheus`")
        require_room(destination.parent, product, _NEEDED_BYTES)
        toolchain = GoToolchain(go, work_dir, product)
        progress.say(f"downloading the sources of {product}")
        toolchain.require(program.package, MODULE_VERSION)
        progress.say(f"building {product} (some two minutes on two cores)")
        partial = work_dir / program.name
        linker_flags = f"-s -w -X github.com/prometheus/common/version.Version={VERSION}"
        toolchain.build(program.package, partial, linker_flags, _TAGS)
        partial.replace(destination)
