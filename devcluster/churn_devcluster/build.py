"""Builds the control plane's programs from Go modules, where there is no other way to get them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from churn_devcluster.errors import DevclusterError
from churn_devcluster.processes import Process

KUBERNETES_VERSION = "1.37.2"
PROGRAMS = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "etcd": "go.etcd.io/etcd/server/v3",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
_CONTROL_PLANE = "the control plane"
_NEEDED_BYTES = 3 * 1000**3
_STAGING_VERSION = "v0.0.0"


def build_programs(destination: Path) -> None:
    """Builds whichever of PROGRAMS `destination` lacks; two processes never build at once.

    Prints its progress on stderr. A finished program is renamed into place, so a build that was cut
    short is taken up again where it stopped.

    Raises:
        DevclusterError: no Go, no room on the disk, no network, or a failed build.
    """
    destination.mkdir(parents=True, exist_ok=True)
    work_dir = destination.parent.parent / "build" / destination.name
    work_dir.mkdir(parents=True, exist_ok=True)
    with build_progress() as progress, exclusive_build(work_dir / "lock", progress.say, _CONTROL_PLANE):
        missing = [name for name in PROGRAMS if not (destination / name).exists()]
        if not missing:
            return
        toolchain = GoToolchain(find_go(), work_dir)
        require_room(destination, _CONTROL_PLANE, _NEEDED_BYTES)
        progress.say("downloading the sources of Kubernetes")
        toolchain.prepare_module()
        for name in missing:
            progress.say(f"building {name} (the first takes some five minutes on two cores)")
            partial = work_dir / name
            toolchain.build(PROGRAMS[name], partial, _linker_flags())
            partial.replace(destination / name)


class GoToolchain:
    """One Go module in `work_dir` from which the programs are built."""

    def __init__(self, go: str, work_dir: Path, product: str = _CONTROL_PLANE) -> None:
        """`product` is what a sentence about a failure names."""
        self._go = go
        self._product = product
        self._module = work_dir / "module"
        self._log = work_dir / "build.log"

    def prepare_module(self) -> None:
        """Writes a go.mod from which the programs of k8s.io/kubernetes can be built.

        k8s.io/kubernetes requires its staging modules at v0.0.0 and replaces them by folders of its
        repository, and Go ignores the replacements of a dependency: they are repeated here with the
        published module of the same release.

        Raises:
            DevclusterError: the modules cannot be downloaded.
        """
        self._clear()
        kubernetes = f"k8s.io/kubernetes@v{KUBERNETES_VERSION}"
        downloaded = self._json("mod", "download", "-json", kubernetes)
        published = f"v0.{KUBERNETES_VERSION.split('.', 1)[1]}"
        replacements = [
            f"-replace={module}={module}@{published}"
            for module in staging_modules(self._json("mod", "edit", "-json", downloaded["GoMod"]))
        ]
        self._run("mod", "init", "churn-operator/devcluster")
        self._run("mod", "edit", *replacements)
        self._run("get", "-tool", f"{PROGRAMS['kube-apiserver']}@v{KUBERNETES_VERSION}")
        for program in ("kubectl", "etcd"):
            self._run("get", "-tool", PROGRAMS[program])

    def require(self, package: str, version: str) -> None:
        """Writes a go.mod from which one main package can be built that needs no more than its own go.mod.

        Raises:
            DevclusterError: the modules cannot be downloaded.
        """
        self._clear()
        self._run("mod", "init", "churn-operator/devcluster")
        self._run("get", "-tool", f"{package}@{version}")

    def build(self, package: str, output: Path, linker_flags: str, tags: str = "") -> None:
        """Builds one main package; `tags` are build tags, separated by commas.

        Raises:
            DevclusterError: the build failed.
        """
        self._run("build", "-trimpath", f"-tags={tags}", f"-ldflags={linker_flags}", "-o", str(output), package)

    def _clear(self) -> None:
        shutil.rmtree(self._module, ignore_errors=True)
        self._module.mkdir(parents=True)

    def _json(self, *arguments: str) -> dict[str, Any]:
        output = self._log.with_name("output.json")
        output.unlink(missing_ok=True)
        self._execute(arguments, output)
        document: dict[str, Any] = json.loads(output.read_text())
        return document

    def _run(self, *arguments: str) -> None:
        self._execute(arguments, self._log)

    def _execute(self, arguments: tuple[str, ...], log: Path) -> None:
        # -buildvcs: the module lies in a cache folder that may be inside somebody's repository.
        environment = {
            **os.environ,
            "GOFLAGS": "-mod=mod -buildvcs=false",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
        }
        command = [self._go, "-C", str(self._module), *arguments]
        process = Process("go", command, log, environment).start()
        try:
            code = process.wait()
        finally:
            process.kill()
        if code:
            raise DevclusterError(explain_failure(process.log_tail(), log, self._product))


def _linker_flags() -> str:
    """Flags that leave out debug symbols and set the version which /version answers."""
    major, minor, _ = KUBERNETES_VERSION.split(".")
    facts = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor}
    settings = (f"-X k8s.io/component-base/version.{name}={value}" for name, value in facts.items())
    return " ".join(["-s -w", *settings])


def staging_modules(module: dict[str, Any]) -> list[str]:
    """Names of the staging modules, from `go mod edit -json` of the go.mod of k8s.io/kubernetes."""
    return sorted(
        {
            required["Path"]
            for required in module["Require"]
            if required["Path"].startswith("k8s.io/") and required["Version"] == _STAGING_VERSION
        }
    )


def find_go(
    programs: str = "kube-apiserver, etcd and kubectl",
    otherwise: str = "set KUBEBUILDER_ASSETS to a folder that has the three",
) -> str:
    """Path of the go command, which `programs` need to be built; `otherwise` is how to do without it.

    Raises:
        DevclusterError: Go is not installed.
    """
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if found is None:
        raise DevclusterError(
            f"Go is not installed, and it is needed once to build {programs}: install "
            f"it from https://go.dev/dl, or {otherwise}."
        )
    return found


def explain_failure(output: str, log: Path, product: str = _CONTROL_PLANE) -> str:
    """A sentence for a failed go command, from the end of its output."""
    lowered = output.lower()
    if "no space left on device" in lowered:
        return (
            f"The disk is full: building {product} needs up to {_NEEDED_BYTES // 1000**3} GB. "
            f"Free some, or set CHURN_DEVCLUSTER_CACHE, GOCACHE and GOMODCACHE to folders with room ({log})."
        )
    if any(sign in lowered for sign in ("dial tcp", "no such host", "i/o timeout", "proxyconnect")):
        return (
            f"Go's module proxy cannot be reached: connect to the network, or set GOPROXY ({log}). "
            f"Its last words: {output.strip().splitlines()[-1]}"
        )
    return f"Building {product} failed; the end of {log}:\n{output}"


def require_room(folder: Path, product: str, needed_bytes: int) -> None:
    """Refuses before it is too late.

    Raises:
        DevclusterError: the disk has less than `needed_bytes` left.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DevclusterError(
            f"{folder} has {free / 1000**3:.1f} GB left and building {product} needs about "
            f"{needed_bytes // 1000**3} GB: free some, or set CHURN_DEVCLUSTER_CACHE to a folder with room."
        )


@contextmanager
def exclusive_build(path: Path, say: Callable[[str], None], product: str) -> Iterator[None]:
    """Holds the lock file `path`; waits for another process that holds it."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is building {product}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        # The lock goes with the open file, so also with a process that is killed.
        yield


class Steps:
    """A spinner with one line, or a printed line a step where there is no terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("")

    def say(self, step: str) -> None:
        """Names what is done now."""
        self._progress.update(self._task, description=step)
        if not self._progress.console.is_terminal:
            self._progress.console.print(f"devcluster: {step}", soft_wrap=True)


@contextmanager
def build_progress() -> Iterator[Steps]:
    """Progress on stderr."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Steps(progress)
