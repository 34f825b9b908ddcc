"""What `make demo SHORT=1 KEEP=1` leaves running, without its story, and a shell beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from churn_devcluster.cache import cache_folder
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.customers import customers_file
from churn_devcluster.demo.story import NAMESPACE, Story
from churn_devcluster.demo.telling import Teller
from churn_devcluster.operator_process import OperatorProcess

from tests.integration.docs.shell import Shell

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devcluster]:
    """A devcluster with the demo's customers and access to S3, and an operator."""
    with Devcluster(tmp_path_factory.mktemp("devcluster")) as running, OperatorProcess(running):
        Story(running, Teller(as_json=True), customers_file(None, running.work_dir), NAMESPACE).prepare()
        yield running


@pytest.fixture
def shell(prepared: Devcluster, tmp_path: Path) -> Iterator[Shell]:
    """A shell in a folder that has the project's environment, with a kubeconfig of its own."""
    (tmp_path / ".venv").symlink_to(PROJECT / ".venv")
    kubeconfig = shutil.copy(prepared.kubeconfig, tmp_path / "kubeconfig")
    foreign = ("CHURN_", "AWS_", "KUBE", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {"HOME": str(tmp_path), "KUBECONFIG": str(kubeconfig), "NO_PROXY": "127.0.0.1"}
    environment = {**kept, **own, "CHURN_DEVCLUSTER_CACHE": str(cache_folder())}
    with Shell(tmp_path, environment) as started:
        yield started
