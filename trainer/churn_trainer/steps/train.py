"""Step 3: chooses and fits the model."""

from __future__ import annotations

import joblib
import numpy as np

from churn_trainer.algorithms import check_values
from churn_trainer.folders import ModelFolder, PreparedFolder, ValidatedFolder
from churn_trainer.hyperparameters import Algorithm, candidates, parse_hyperparameters
from churn_trainer.publishing import reported
from churn_trainer.train import TrainingRows, choose, fit_pipeline


def train(validated: ValidatedFolder, prepared: PreparedFolder, fitted: ModelFolder) -> None:
    """Chooses and fits the model. Raises SpecRejected."""
    fitted.path.mkdir(parents=True, exist_ok=True)
    request, contract = validated.request, validated.contract
    with reported(request, "train"):
        wished = parse_hyperparameters(request.algorithm, request.hyperparameters)
        part = TrainingRows(np.load(prepared.rows, mmap_mode="r"), np.load(prepared.positive), contract.columns)
        algorithms = candidates(request.algorithm)
        for algorithm in algorithms:
            check_values(algorithm, wished)
        training = choose(part, algorithms, wished, request.seed)
        labels = (contract.negative_label, contract.positive_label)
        model = fit_pipeline(part, Algorithm(training.algorithm), training.hyperparameters, request.seed, labels)
    joblib.dump(model, fitted.model)
    fitted.training_file.write_text(training.model_dump_json())
