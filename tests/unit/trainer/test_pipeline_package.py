"""The committed pipeline package is the one the code compiles to, and needs nothing at run time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from churn_trainer.pipeline import BASE_IMAGE
from churn_trainer.request import RunRequest

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).parents[3] / "operator/churn_operator/pipelines/churn-training.yaml"


def test_compiling_again_gives_the_committed_bytes(tmp_path: Path) -> None:
    compiled = tmp_path / "churn-training.yaml"
    command = [sys.executable, "-m", "churn_trainer", "compile-pipeline", str(compiled)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)

    assert compiled.read_bytes() == PACKAGE.read_bytes(), "run: churn-trainer compile-pipeline " + str(PACKAGE)


def test_the_package_takes_the_parameters_of_a_request() -> None:
    (package, *_) = yaml.safe_load_all(PACKAGE.read_text())
    parameters = package["root"]["inputDefinitions"]["parameters"]

    assert parameters.keys() == RunRequest.model_fields.keys()
    kinds = {name: parameter["parameterType"] for name, parameter in parameters.items()}
    assert kinds == {name: "NUMBER_INTEGER" if name == "seed" else "STRING" for name in kinds}
    defaults = {name: parameter.get("defaultValue") for name, parameter in parameters.items()}
    assert defaults == {
        name: None if field.is_required() else field.default for name, field in RunRequest.model_fields.items()
    }


def test_no_step_installs_anything_or_is_cached() -> None:
    (package, *_) = yaml.safe_load_all(PACKAGE.read_text())

    for executor in package["deploymentSpec"]["executors"].values():
        assert executor["container"]["image"] == BASE_IMAGE
        assert "pip install" not in " ".join(executor["container"]["command"])
    for task in package["root"]["dag"]["tasks"].values():
        assert task["cachingOptions"] in ({}, {"enableCache": False})
