"""`python -m churn_devcluster.faulty_server`: churn_serving with versions of the model that are bad.

The faults lie in the model, behind the whole server: its metrics count them as they would count those of
a model that really is like this. The operator and the serving image know nothing of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before scikit-learn is imported, as churn_serving does.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from churn_serving.artifact import ArtifactError, load_artifact
from churn_serving.metrics import ModelIdentity, PredictionMetrics
from churn_serving.model import ChurnPredictor
from churn_serving.scoring import build_scorer
from churn_serving.server import ChurnModelServer
from churn_serving.settings import Settings, SettingsError, read_settings

from churn_devcluster.faults import FAULTS_VARIABLE, Faults, FaultsFile

if TYPE_CHECKING:
    from churn_serving.scoring import Scorer
    from churn_serving.validation import Row
    from numpy.typing import NDArray


class ModelDefectError(Exception):
    """The model fails over a valid request."""


class FaultyScorer:
    """A scorer that fails over some requests, and whose probabilities are off."""

    def __init__(self, scorer: Scorer, faults: Callable[[], Faults], draw: Callable[[], float]) -> None:
        """`draw` is uniform on [0, 1)."""
        self._scorer = scorer
        self._faults = faults
        self._draw = draw

    def probabilities(self, rows: list[Row]) -> NDArray[np.float64]:
        """Probability of the positive class, shape (n,).

        Raises:
            ModelDefectError: with the probability `error_share`.
        """
        faults = self._faults()
        if self._draw() < faults.error_share:
            raise ModelDefectError("this version of the model fails now and then")
        scores = self._scorer.probabilities(rows)
        return np.clip(scores + faults.shift_scores, 0.0, 1.0)


class FaultyPredictor(ChurnPredictor):
    """A predictor that takes longer over each request than it has to."""

    def __init__(self, faults: Callable[[], Faults], *arguments: Any) -> None:
        """`arguments` are those of ChurnPredictor."""
        super().__init__(*arguments)
        self._faults = faults

    async def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Validate and score as ever, then wait."""
        started = time.perf_counter()
        answer = await super().__call__(*arguments, **options)
        extra = (self._faults().slow_factor - 1) * (time.perf_counter() - started)
        if extra > 0:
            await asyncio.sleep(extra)
        return answer


def load_faulty_model(settings: Settings, faults: Callable[[], Faults]) -> tuple[FaultyPredictor, PredictionMetrics]:
    """As `churn_serving.loading.load_model`, with faults.

    Raises:
        ArtifactError: the folder cannot be served.
    """
    artifact = load_artifact(settings.model_dir, settings.model_sha256)
    identity = ModelIdentity(settings.model_name, settings.model_version, artifact.sha256)
    metrics = PredictionMetrics(identity)
    scorer = FaultyScorer(build_scorer(artifact), faults, random.random)
    model = FaultyPredictor(faults, identity, artifact.contract, scorer, metrics, settings.maximum_instances)
    return model, metrics


def serve(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Serve until SIGTERM; arguments, variables and exit codes are those of churn_serving."""
    try:
        settings = read_settings(arguments, environment)
        file = FaultsFile(Path(environment[FAULTS_VARIABLE]), settings.model_version)
        model, metrics = load_faulty_model(settings, file.current)
    except KeyError as error:
        print(f"faulty_server: the variable {error} is missing", file=sys.stderr)
        return os.EX_CONFIG
    except SettingsError as error:
        print(f"faulty_server: {error}", file=sys.stderr)
        return os.EX_CONFIG
    except ArtifactError as error:
        print(f"faulty_server: {error}", file=sys.stderr)
        return error.exit_code
    ChurnModelServer(settings, metrics).start([model])
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:], os.environ))
