"""The five steps of a run. Each reads files, writes files, and refuses with a report that says why."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from churn_report import DatasetSummary, Outcome, Report
from churn_report.digest import dataset_digest

from churn_trainer import CODE_VERSION, plots
from churn_trainer.algorithms import ALGORITHMS, candidates, parse_hyperparameters
from churn_trainer.contract import check_columns, make_contract, parse_columns
from churn_trainer.data import data_objects, format_of, read_batches
from churn_trainer.evaluate import Evaluation, evaluate, read_scores, score_holdout
from churn_trainer.folders import EvaluatedFolder, ModelFolder, PreparedFolder, ValidatedFolder
from churn_trainer.holdout import holdout_sha256
from churn_trainer.leakage import check_leakage
from churn_trainer.preprocess import split
from churn_trainer.publish import publish_rejection, upload_artifacts, upload_report
from churn_trainer.rejection import DataRejected, RunRejected
from churn_trainer.request import RunRequest
from churn_trainer.storage import Store, StoredObject, open_store
from churn_trainer.train import TrainingRows, choose, fit_pipeline
from churn_trainer.validation import ID_FIELD, TARGET_FIELD, Validator

_LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib")


@contextmanager
def reported(request: RunRequest, step: str) -> Iterator[None]:
    """Turns a refusal of `step` into a report at the output URI, then lets it end the step."""
    try:
        yield
    except RunRejected as rejection:
        publish_rejection(request, step, rejection)
        raise


def validate(request: RunRequest, validated: ValidatedFolder) -> None:
    """Reads the dataset and holds it against the contract. Raises RunRejected."""
    validated.path.mkdir(parents=True, exist_ok=True)
    validated.request_file.write_text(request.model_dump_json())
    with reported(request, "validate"):
        columns = parse_columns(request.columns)
        check_columns(columns, request.target, request.id_column)
        candidates(request.algorithm)
        parse_hyperparameters(request.algorithm, request.hyperparameters)
        store = open_store(request.dataset_uri, request.s3_endpoint)
        objects = store.list(request.dataset_uri)
        digest = _checked_digest(objects, request)
        validator = Validator(columns, request.target, request.id_column, request.positive_label)
        _write_table(store, objects, request, validator, validated)
        _checked_digest(store.list(request.dataset_uri), request.model_copy(update={"dataset_digest": digest}))
        check_leakage(validated.table, columns, request.target)
    validated.digest_file.write_text(digest)
    contract = make_contract(
        columns,
        target=request.target,
        id_column=request.id_column,
        positive_label=request.positive_label,
        negative_label=validator.known_negative_label,
    )
    validated.contract_file.write_text(contract.model_dump_json(indent=2) + "\n")


def _checked_digest(objects: Sequence[StoredObject], request: RunRequest) -> str:
    digest = dataset_digest((stored.key, stored.etag, stored.size) for stored in objects)
    if request.dataset_digest not in {"", digest}:
        raise DataRejected(
            "DatasetChanged",
            f"{request.dataset_uri} changed after this run was asked for: its digest is {digest[:12]}, "
            f"not {request.dataset_digest[:12]}.",
        )
    return digest


def _write_table(
    store: Store,
    objects: Sequence[StoredObject],
    request: RunRequest,
    validator: Validator,
    validated: ValidatedFolder,
) -> None:
    kept = data_objects(objects, request.dataset_uri)
    data_format = format_of(kept, request.dataset_format)
    names = [request.id_column, request.target, *(column.name for column in validator.columns)]
    with pq.ParquetWriter(validated.table, validator.schema) as writer:
        for batch in read_batches(store, request.dataset_uri, kept, data_format, names):
            writer.write_batch(validator.check(batch))
    validator.check_whole()
    validator.check_duplicates(_ids(validated))


def _ids(validated: ValidatedFolder) -> Iterator[str]:
    with pq.ParquetFile(validated.table) as file:
        for batch in file.iter_batches(columns=[ID_FIELD]):
            yield from batch.column(ID_FIELD).to_pylist()


def preprocess(validated: ValidatedFolder, prepared: PreparedFolder) -> None:
    """Splits into training part and frozen holdout, and encodes the former. Raises DataRejected."""
    prepared.path.mkdir(parents=True, exist_ok=True)
    request, contract = validated.request, validated.contract
    with reported(request, "preprocess"):
        split(
            validated.table,
            contract.columns,
            contract.target,
            rows=prepared.rows,
            positive=prepared.positive,
            holdout=prepared.holdout,
        )


def train(validated: ValidatedFolder, prepared: PreparedFolder, fitted: ModelFolder) -> None:
    """Chooses and fits the model. Raises SpecRejected."""
    fitted.path.mkdir(parents=True, exist_ok=True)
    request, contract = validated.request, validated.contract
    with reported(request, "train"):
        wished = parse_hyperparameters(request.algorithm, request.hyperparameters)
        part = TrainingRows(np.load(prepared.rows, mmap_mode="r"), np.load(prepared.positive), contract.columns)
        training = choose(part, candidates(request.algorithm), wished, request.seed)
        labels = (contract.negative_label, contract.positive_label)
        chosen = ALGORITHMS[training.algorithm]
        model = fit_pipeline(part, chosen, training.hyperparameters, request.seed, labels)
    joblib.dump(model, fitted.model)
    fitted.training_file.write_text(training.model_dump_json())


def evaluate_model(
    validated: ValidatedFolder, prepared: PreparedFolder, fitted: ModelFolder, evaluated: EvaluatedFolder
) -> Evaluation:
    """Measures the model on the holdout and draws its plots."""
    evaluated.path.mkdir(parents=True, exist_ok=True)
    contract = validated.contract
    score_holdout(
        joblib.load(fitted.model), prepared.holdout, contract.columns, contract.positive_label, evaluated.scored
    )
    evaluation = evaluate(*read_scores(evaluated.scored))
    evaluated.evaluation_file.write_text(evaluation.model_dump_json())
    plots.draw_roc(evaluated.plot("roc"), evaluation.roc, evaluation.metrics["rocAuc"])
    plots.draw_calibration(
        evaluated.plot("calibration"), evaluation.calibration, evaluation.metrics["expectedCalibrationError"]
    )
    plots.draw_confusion(
        evaluated.plot("confusion"), evaluation.confusion, contract.negative_label, contract.positive_label
    )
    return evaluation


def publish(validated: ValidatedFolder, fitted: ModelFolder, evaluated: EvaluatedFolder) -> Report:
    """Uploads everything below the output URI, report.json last, and answers the report."""
    request, layout = validated.request, validated.request.layout
    store = open_store(request.output_uri, request.s3_endpoint)
    files = [
        (fitted.model, layout.model),
        (validated.contract_file, layout.contract),
        (evaluated.scored, layout.holdout),
        *((evaluated.plot(name), layout.plot(name)) for name in plots.PLOT_NAMES),
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
