"""`kubectl churn` as a person runs it: the entry points of this environment, and the real kubectl that finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from churn_devcluster.binaries import Binaries
from churn_devcluster.control_plane import ControlPlane

from tests.integration.api.conftest import (  # noqa: F401 - fixtures
    ChurnModels,
    api_client,
    churnmodels,
    definition,
)

PROGRAMS = Path(sys.executable).parent
"""Where churnctl, kubectl-churn and kubectl_complete-churn are."""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def environment(
    control_plane: ControlPlane, binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    """Variables of a person's shell: the plugin and kubectl on PATH, and an administrator's kubeconfig."""
    return {
        "PATH": f"{PROGRAMS}:{binaries.folder}:/usr/bin:/bin",
        "HOME": str(tmp_path_factory.mktemp("home")),
        "KUBECONFIG": str(control_plane.kubeconfig),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
    }


@pytest.fixture(scope="session")
def churn(environment: Mapping[str, str]) -> Run:
    """Runs `kubectl churn …` through kubectl: what it printed, and its exit code.

    Keywords: `stdin`, and variables of the environment, of which None removes one.
    """

    def run(*arguments: str, stdin: str | None = None, **variables: str | None) -> subprocess.CompletedProcess[str]:
        merged = {**environment, **variables}
        return subprocess.run(
            ["kubectl", "churn", *arguments],
            env={name: value for name, value in merged.items() if value is not None},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def in_terminal(arguments: list[str], environment: Mapping[str, str]) -> str:
    """What a command writes to a terminal."""
    terminal, other_end = os.openpty()
    with subprocess.Popen(
        arguments, env=dict(environment), stdin=other_end, stdout=other_end, stderr=other_end, close_fds=True
    ) as process:
        os.close(other_end)
        written = b""
        try:
            while chunk := os.read(terminal, 65536):
                written += chunk
        except OSError:
            # Linux says EIO when the last writer has closed a terminal.
            pass
        process.wait(timeout=120)
    os.close(terminal)
    return written.decode()
