"""Helm. The tests of the chart need it; nothing else does."""

from __future__ import annotations

from pathlib import Path

from churn_devcluster.go_program import GoProgram

VERSION = "v4.3.1"

_HELM = GoProgram(
    name="helm",
    product="Helm",
    version=VERSION,
    version_arguments=("version", "--short"),
    # Helm 2 knows other charts.
    answers=("v3.", "v4."),
    package="helm.sh/helm/v4/cmd/helm",
    module_version=VERSION,
    version_variable="helm.sh/helm/v4/internal/version.version",
    minutes="three minutes",
    otherwise="install Helm: https://helm.sh/docs/intro/install",
)


def find_helm() -> Path:
    """Path of the program; a build takes five minutes of CPU time.

    Raises:
        DevclusterError: as of `GoProgram.find`.
    """
    return _HELM.find()
