"""Scores the holdout through the very Pipeline that will serve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from churn_report import Column, Comparison
from numpy.typing import NDArray

from churn_trainer import metrics
from churn_trainer.results import Evaluation
from churn_trainer.rows import raw_matrix
from churn_trainer.threads import worthwhile_threads
from churn_trainer.validation import ID_FIELD, TARGET_FIELD

_BATCH_ROWS = 65_536


def score_holdout(model: Any, holdout: Path, columns: Sequence[Column], positive_label: str, scored: Path) -> None:
    """Writes `scored`: Parquet with the columns id, target (1 = positive) and score (probability of the positive)."""
    schema = pa.schema([("id", pa.string()), ("target", pa.int8()), ("score", pa.float64())])
    with pq.ParquetWriter(scored, schema) as writer:
        for batch, scores in score_batches(model, holdout, columns, positive_label):
            arrays = [batch.column(ID_FIELD), batch.column(TARGET_FIELD), pa.array(scores)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


def score_batches(
    model: Any,
    holdout: Path,
    columns: Sequence[Column],
    positive_label: str,
    kept: NDArray[np.bool_] | None = None,
) -> Iterator[tuple[pa.RecordBatch, NDArray[np.float64]]]:
    """Yields raw rows of the holdout with their probabilities of `positive_label`, batch by batch.

    `columns` are the model's, in its order; `kept` (n,) leaves out the other rows of the holdout.
    """
    position = list(model.classes_).index(positive_label)
    start = 0
    with pq.ParquetFile(holdout) as file:
        for whole in file.iter_batches(batch_size=_BATCH_ROWS):
            batch = whole if kept is None else whole.filter(pa.array(kept[start : start + whole.num_rows]))
            start += whole.num_rows
            if batch.num_rows:
                with worthwhile_threads(batch.num_rows):
                    scores = model.predict_proba(raw_matrix(batch, columns))[:, position]
                yield batch, scores.astype(np.float64)


def read_scores(scored: Path) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The holdout's truth and scores, both shape (n,)."""
    table = pq.read_table(scored, columns=["target", "score"])
    return table.column("target").to_numpy() == 1, table.column("score").to_numpy()


def evaluate(
    positive: NDArray[np.bool_], scores: NDArray[np.float64], comparison: Comparison | None = None
) -> Evaluation:
    """Every number of the report, from the holdout's truth and scores, both shape (n,)."""
    return Evaluation(
        metrics=metrics.all_metrics(positive, scores),
        roc=metrics.roc(positive, scores),
        calibration=metrics.calibration_bins(positive, scores),
        confusion=metrics.confusion(positive, scores),
        comparison=comparison,
    )
