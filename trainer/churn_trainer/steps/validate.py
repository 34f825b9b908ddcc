"""Step 1: reads the dataset and holds it against the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow.parquet as pq
from churn_report.digest import dataset_digest

from churn_trainer.contract import check_columns, make_contract, parse_columns
from churn_trainer.data import data_objects, format_of, read_batches
from churn_trainer.folders import ValidatedFolder
from churn_trainer.hyperparameters import parse_hyperparameters
from churn_trainer.leakage import check_leakage
from churn_trainer.publishing import reported
from churn_trainer.rejection import DataRejected
from churn_trainer.request import RunRequest, check_champion
from churn_trainer.storage import Store, StoredObject, open_store
from churn_trainer.validation import ID_FIELD, Validator


def validate(request: RunRequest, validated: ValidatedFolder) -> None:
    """Reads the dataset and holds it against the contract. Raises RunRejected."""
    validated.path.mkdir(parents=True, exist_ok=True)
    validated.request_file.write_text(request.model_dump_json())
    with reported(request, "validate"):
        columns = parse_columns(request.columns)
        check_columns(columns, request.target, request.id_column)
        parse_hyperparameters(request.algorithm, request.hyperparameters)
        check_champion(request)
        store = open_store(request.dataset_uri, request.s3_endpoint)
        objects = store.list(request.dataset_uri)
        kept = data_objects(objects, request.dataset_uri)
        digest = _checked_digest(objects, request)
        validator = Validator(columns, request.target, request.id_column, request.positive_label)
        _write_table(store, kept, request, validator, validated)
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
    data_format = format_of(objects, request.dataset_format)
    names = [request.id_column, request.target, *(column.name for column in validator.columns)]
    with pq.ParquetWriter(validated.table, validator.schema) as writer:
        for batch in read_batches(store, request.dataset_uri, objects, data_format, names):
            writer.write_batch(validator.check(batch))
    validator.check_whole()
    validator.check_duplicates(_ids(validated))


def _ids(validated: ValidatedFolder) -> Iterator[str]:
    with pq.ParquetFile(validated.table) as file:
        for batch in file.iter_batches(columns=[ID_FIELD]):
            yield from batch.column(ID_FIELD).to_pylist()
