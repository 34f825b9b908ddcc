"""The whole run on one machine without Kubeflow: the same steps in one process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from churn_report import Report

from churn_trainer.folders import EvaluatedFolder, ModelFolder, PreparedFolder, ValidatedFolder
from churn_trainer.request import RunRequest
from churn_trainer.steps import evaluate, preprocess, publish, train, validate


def run_locally(request: RunRequest) -> Report:
    """Runs all five steps and answers the report. Raises RunRejected after writing the report that says why."""
    with tempfile.TemporaryDirectory(prefix="churn-training-") as name:
        folder = Path(name)
        validated = ValidatedFolder(folder / "validated")
        prepared = PreparedFolder(folder / "prepared")
        fitted = ModelFolder(folder / "model")
        evaluated = EvaluatedFolder(folder / "evaluated")
        validate.validate(request, validated)
        preprocess.preprocess(validated, prepared)
        train.train(validated, prepared, fitted)
        evaluate.evaluate(validated, prepared, fitted, evaluated)
        return publish.publish(validated, fitted, evaluated)
