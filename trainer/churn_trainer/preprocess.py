"""Splits the validated table into the encoded training part and the raw holdout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from churn_report import Column
from numpy.typing import NDArray

from churn_trainer.features import make_encoder
from churn_trainer.holdout import hash_ids, is_holdout
from churn_trainer.rejection import DataRejected
from churn_trainer.rows import raw_matrix
from churn_trainer.validation import ID_FIELD, TARGET_FIELD

_BATCH_ROWS = 65_536
_FEWEST_OF_A_CLASS = {"training part": 10, "holdout": 2}


def split(table: Path, columns: Sequence[Column], target: str, rows: Path, positive: Path, holdout: Path) -> int:
    """Writes the encoded training rows and their targets as .npy and the holdout's raw rows as Parquet.

    Answers the number of training rows. Raises DataRejected (TooFewRows) when a part has too few
    customers of a class to learn from or to measure with. Memory is bounded by a batch.
    """
    in_holdout, labels = _membership(table)
    _check_sizes(labels[~in_holdout], "training part", target)
    _check_sizes(labels[in_holdout], "holdout", target)
    np.save(positive, labels[~in_holdout])
    shape = (int(np.sum(~in_holdout)), len(columns))
    matrix = np.lib.format.open_memmap(rows, mode="w+", dtype=np.float32, shape=shape)
    encoder = make_encoder(columns)
    start = filled = 0
    with pq.ParquetFile(table) as file, pq.ParquetWriter(holdout, file.schema_arrow) as writer:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            mask = in_holdout[start : start + batch.num_rows]
            writer.write_batch(batch.filter(pa.array(mask)))
            learned = batch.filter(pa.array(~mask))
            if learned.num_rows:
                matrix[filled : filled + learned.num_rows] = encoder.transform(raw_matrix(learned, columns))
            start += batch.num_rows
            filled += learned.num_rows
    matrix.flush()
    return filled


def _membership(table: Path) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For every row whether it is in the holdout, and whether it is positive; both shape (n,)."""
    members: list[NDArray[np.bool_]] = []
    labels: list[NDArray[np.bool_]] = []
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[ID_FIELD, TARGET_FIELD]):
            members.append(is_holdout(hash_ids(batch.column(ID_FIELD).to_pylist())))
            labels.append(pc.equal(batch.column(TARGET_FIELD), 1).to_numpy(zero_copy_only=False))
    return np.concatenate(members), np.concatenate(labels)


def _check_sizes(labels: NDArray[np.bool_], part: str, target: str) -> None:
    fewest = min(int(np.sum(labels)), int(np.sum(~labels)))
    needed = _FEWEST_OF_A_CLASS[part]
    if fewest < needed:
        raise DataRejected(
            "TooFewRows",
            f"The {part} has {len(labels)} rows, and only {fewest} of the rarer class of column {target}: "
            f"at least {needed} are needed.",
        )
