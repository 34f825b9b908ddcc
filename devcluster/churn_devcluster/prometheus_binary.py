"""Prometheus and promtool."""

from __future__ import annotations

from pathlib import Path

from churn_devcluster.go_program import GoProgram

MODULE_VERSION = "v0.316.0"
# The Go module of Prometheus 3.x has the version 0.3xx.
VERSION = "3.16.0"


def _program(name: str, product: str) -> GoProgram:
    return GoProgram(
        name=name,
        product=product,
        version=VERSION,
        version_arguments=("--version",),
        answers=(f"{name}, version ",),
        package=f"github.com/prometheus/prometheus/cmd/{name}",
        module_version=MODULE_VERSION,
        version_variable="github.com/prometheus/common/version.Version",
        # Service discovery of clouds, which makes up most of the build; that by files is always there.
        tags="netgo,remove_all_sd",
        minutes="two minutes",
        otherwise="install Prometheus, on Debian by `apt install prometheus`",
    )


_SERVER = _program("prometheus", "Prometheus")
_TOOL = _program("promtool", "promtool")


def find_prometheus() -> Path:
    """Path of the program; Debian's package puts it on $PATH, and a build takes three minutes of CPU time.

    A build has no user interface for the browser, whose files are not in the Go module; the API is whole.

    Raises:
        DevclusterError: as of `GoProgram.find`.
    """
    return _SERVER.find()


def find_promtool() -> Path:
    """Path of the program that checks rules and runs their tests.

    Raises:
        DevclusterError: as of `GoProgram.find`.
    """
    return _TOOL.find()
