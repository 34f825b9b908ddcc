"""The model file where no churn package is installed, called as KServe's stock scikit-learn server calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from churn_trainer.hyperparameters import Algorithm
from churn_trainer.local import run_locally
from churn_trainer.request import RunRequest
from churn_trainer.synthetic import write_customers

# The server: joblib.load of the only model file, np.array of the instances, predict or predict_proba, tolist.
STOCK_SERVER = """
import importlib.abc, json, os, sys, warnings

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0].startswith("churn"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
warnings.simplefilter("error")
import joblib
import numpy as np

folder = sys.argv[1]
(file,) = [name for name in os.listdir(folder) if name.endswith((".joblib", ".pkl", ".pickle"))]
model = joblib.load(os.path.join(folder, file))
instances = np.array(json.load(sys.stdin)["instances"])
print(json.dumps({
    "dtype": instances.dtype.kind,
    "classes": model.predict(instances).tolist(),
    "probabilities": model.predict_proba(instances).tolist(),
    "churn": sorted(name for name in sys.modules if name.startswith("churn")),
}))
"""

LOYAL = [
    "Female", 0, "Yes", "Yes", 70, "Yes", "Yes", "DSL", "Yes", "Yes", "Yes", "Yes", "No", "No",
    "Two year", "No", "Mailed check", 70.5, 4900.1,
]  # fmt: skip
LEAVING = [
    "Male", 1, "No", "No", 1, "Yes", "No", "Fiber optic", "No", "No", "No", "No", "Yes", "Yes",
    "Month-to-month", "Yes", "Electronic check", 95.0, 95.0,
]  # fmt: skip
NEW = [*LOYAL[:4], 0, *LOYAL[5:-1]]


def _serve(folder: Path, instances: list[list[object]]) -> dict[str, object]:
    run = subprocess.run(
        [sys.executable, "-c", STOCK_SERVER, str(folder)],
        input=json.dumps({"instances": instances}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    answer: dict[str, object] = json.loads(run.stdout)
    return answer


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_stock_server_serves_the_artifact(algorithm: Algorithm, tmp_path: Path) -> None:
    data = tmp_path / "customers.csv"
    write_customers(data, rows=3000, seed=6)
    run_locally(RunRequest(dataset_uri=str(data), output_uri=str(tmp_path / "out"), algorithm=algorithm))
    folder = tmp_path / "out/model"

    text = _serve(folder, [LOYAL, LEAVING, [*NEW, ""]])
    objects = _serve(folder, [LOYAL, LEAVING, [*NEW, None]])

    assert (text["dtype"], objects["dtype"]) == ("U", "O")
    assert text["churn"] == objects["churn"] == []
    assert text["classes"] == ["No", "Yes", "No"]
    assert text["classes"] == objects["classes"]
    assert text["probabilities"] == objects["probabilities"]
