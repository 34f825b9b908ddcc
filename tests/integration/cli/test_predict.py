"""`kubectl churn predict` against a real model server."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from churn_devcluster.ports import free_port
from churnctl.errors import ExitCode

from tests.integration.api.conftest import ChurnModels
from tests.integration.api.specs import MINIMAL
from tests.integration.cli.conftest import Run
from tests.integration.serving.conftest import TrainedModel, customer_file, trained  # noqa: F401 - fixtures
from tests.integration.serving.model_server import ModelServerProcess

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def server(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:  # noqa: F811
    log = tmp_path_factory.mktemp("server") / "log"
    with ModelServerProcess(trained.folder, trained.sha256, log) as running:
        yield running


@pytest.fixture
def model(churnmodels: ChurnModels, server: ModelServerProcess) -> ChurnModels:
    churnmodels.apply(MINIMAL)
    churnmodels.apply_status({"url": server.url})
    return churnmodels


def test_a_csv_file_of_more_than_one_batch(churn: Run, model: ChurnModels, customer_file: Path) -> None:  # noqa: F811
    done = churn("predict", "churn", "-f", str(customer_file), "-n", model.namespace, "-o", "csv")
    assert done.returncode == ExitCode.OK, done.stderr
    answers = list(csv.DictReader(io.StringIO(done.stdout)))
    with customer_file.open() as lines:
        assert [each["customer"] for each in answers] == [line["customerID"] for line in csv.DictReader(lines)]
    assert {each["version"] for each in answers} == {"3"}
    assert done.stderr.startswith("1500 customers: ")
    first = churn("predict", "churn", "-f", str(customer_file), "-n", model.namespace, "--top", "3", "-o", "json")
    best = sorted((float(each["probability"]) for each in answers), reverse=True)[:3]
    assert [each["probability"] for each in json.loads(first.stdout)] == best


def test_json_from_stdin_and_a_customer_who_is_refused(
    churn: Run,
    model: ChurnModels,
    trained: TrainedModel,  # noqa: F811
) -> None:
    one: dict[str, Any] = {"customerID": "7590-VHVEG", **trained.customers[0]}
    done = churn("predict", "churn", "-f", "-", "-n", model.namespace, stdin=json.dumps([one, one]))
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["CUSTOMER", "7590-VHVEG", "7590-VHVEG"]
    bad = json.dumps([one] * 600 + [{**one, "customerID": "X", "Contract": "Monthly"}])
    refused = churn("predict", "churn", "-f", "-", "-n", model.namespace, stdin=bad)
    assert refused.returncode == ExitCode.FAILED
    assert refused.stderr.startswith('error: Customer X (#601), field "Contract": "Monthly" is not one of')
    assert refused.stdout == ""


def test_a_forwarded_port_and_one_that_nobody_listens_on(
    churn: Run,
    model: ChurnModels,
    server: ModelServerProcess,
    trained: TrainedModel,  # noqa: F811
) -> None:
    model.apply_status({"url": "http://churn.team.example.com"})
    stdin = json.dumps(trained.customers[:1])
    base = ["predict", "churn", "-f", "-", "-n", model.namespace]
    assert churn(*base, "--url", server.url, "--host", "churn.team.example.com", stdin=stdin).returncode == ExitCode.OK
    gone = churn(*base, "--url", f"http://127.0.0.1:{free_port()}", stdin=stdin)
    assert gone.returncode == ExitCode.UNREACHABLE
    assert "add --url http://localhost:<port>" in gone.stderr


def test_a_model_without_an_address(churn: Run, churnmodels: ChurnModels) -> None:
    churnmodels.apply(MINIMAL)
    done = churn("predict", "churn", "-f", "-", "-n", churnmodels.namespace, stdin="[]")
    assert (done.returncode, done.stderr) == (ExitCode.FAILED, "error: churn has no address yet.\n")
