"""Finds a program that is written in Go, and has it built from its module when the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from churn_devcluster.build import GoToolchain, build_progress, exclusive_build, find_go, require_room
from churn_devcluster.cache import cache_folder

_NEEDED_BYTES = 2 * 1000**3
_SECONDS = 10


@dataclass(frozen=True)
class GoProgram:
    """A program, and how it is told from others and built.

    Attributes:
        name: of the command.
        product: what a sentence about it names.
        version: of the program.
        version_arguments: what the command is asked its version with.
        answers: what its answer begins with; other programs may have its name too.
        package: the main package.
        module_version: of the Go module, where it is not the program's.
        version_variable: the variable of its code that holds the version.
        tags: build tags, separated by commas.
        minutes: how long a build takes, in words.
        otherwise: how to do without a build.
    """

    name: str
    product: str
    version: str
    version_arguments: tuple[str, ...]
    answers: tuple[str, ...]
    package: str
    module_version: str
    version_variable: str
    minutes: str
    otherwise: str
    tags: str = ""

    @property
    def cached(self) -> Path:
        """Where a build of it lies."""
        return cache_folder() / "bin" / f"{self.name}-{self.version}" / self.name

    def find(self) -> Path:
        """Path of the program: on $PATH, else in the cache, else a build from its Go module into the cache, once a
        machine.

        Raises:
            DevclusterError: the build is not possible (no Go, no room on the disk, no network): the sentence
                says what to do.
        """
        installed = shutil.which(self.name)
        if installed is not None and self._is(installed):
            return Path(installed)
        if not os.access(self.cached, os.X_OK):
            self._build()
        return self.cached

    def _is(self, path: str) -> bool:
        command = [path, *self.version_arguments]
        try:
            answer = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS)
        except (OSError, subprocess.SubprocessError):
            return False
        return (answer.stdout or answer.stderr).startswith(self.answers)

    def _build(self) -> None:
        """Builds it; two processes never build at once, and a build that was cut short leaves nothing behind.
        Prints its progress on stderr."""
        destination = self.cached
        work_dir = destination.parents[2] / "build" / destination.parent.name
        for folder in (destination.parent, work_dir):
            folder.mkdir(parents=True, exist_ok=True)
        with build_progress() as progress, exclusive_build(work_dir / "lock", progress.say, self.product):
            if destination.exists():
                return
            go = find_go(self.product, self.otherwise)
            require_room(destination.parent, self.product, _NEEDED_BYTES)
            toolchain = GoToolchain(go, work_dir, self.product)
            progress.say(f"downloading the sources of {self.product}")
            toolchain.require(self.package, self.module_version)
            progress.say(f"building {self.product} (some {self.minutes} on two cores)")
            partial = work_dir / self.name
            linker_flags = f"-s -w -X {self.version_variable}={self.version}"
            toolchain.build(self.package, partial, linker_flags, self.tags)
            partial.replace(destination)
