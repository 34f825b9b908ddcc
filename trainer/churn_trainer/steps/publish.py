"""Step 5: uploads the artifacts, and last the report that vouches for them."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from churn_report import DatasetSummary, Outcome, Report

from churn_trainer import CODE_VERSION
from churn_trainer.folders import PLOT_NAMES, EvaluatedFolder, ModelFolder, ValidatedFolder
from churn_trainer.holdout import holdout_sha256
from churn_trainer.publishing import upload_artifacts, upload_report
from churn_trainer.storage import open_store
from churn_trainer.validation import TARGET_FIELD

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib")


def publish(validated: ValidatedFolder, fitted: ModelFolder, evaluated: EvaluatedFolder) -> Report:
    """Uploads everything below the output URI, report.json last, and answers the report."""
    request, layout = validated.request, validated.request.layout
    store = open_store(request.output_uri, request.s3_endpoint)
    files = [
        (fitted.model, layout.model),
        (validated.contract_file, layout.contract),
        (evaluated.scored, layout.holdout),
        *((evaluated.plot(name), layout.plot(name)) for name in PLOT_NAMES),
    ]
    training, evaluation = fitted.training, evaluated.evaluation
    report = Report(
        outcome=Outcome.SUCCEEDED,
        key=request.key,
        created=datetime.now(UTC),
        code_version=CODE_VERSION,
        algorithm=training.algorithm,
        hyperparameters=training.hyperparameters,
        seed=request.seed,
        libraries={"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        dataset=_summary(validated, evaluated),
        metrics={
            **evaluation.metrics,
            "crossValidationRocAuc": training.roc_auc,
            "crossValidationCalibrationError": training.calibration_error,
        },
        roc=evaluation.roc,
        calibration=evaluation.calibration,
        confusion=evaluation.confusion,
        comparison=evaluation.comparison,
        artifacts=upload_artifacts(store, layout.output_uri, files),
    )
    upload_report(store, layout.report, report)
    return report


def _summary(validated: ValidatedFolder, evaluated: EvaluatedFolder) -> DatasetSummary:
    target = pq.read_table(validated.table, columns=[TARGET_FIELD]).column(0)
    holdout: pa.ChunkedArray = pq.read_table(evaluated.scored, columns=["id"]).column(0)
    return DatasetSummary(
        uri=validated.request.dataset_uri,
        digest=validated.digest_file.read_text(),
        rows=len(target),
        train_rows=len(target) - len(holdout),
        holdout_rows=len(holdout),
        positive_share=pc.mean(target).as_py(),
        holdout_sha256=holdout_sha256(holdout.to_pylist()),
    )
