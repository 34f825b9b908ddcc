"""Finds features that tell the target: they look wonderful in training and are empty in service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from churn_report import Column, ColumnKind
from numpy.typing import NDArray

from churn_trainer.rejection import DataRejected
from churn_trainer.validation import TARGET_FIELD

LEAK_AUC = 0.97
"""ROC AUC of one feature alone from which on it is taken for the target in disguise."""

_ROWS_PER_BIN = 50
_MOST_BINS = 64
_FEWEST_ROWS = 100
_FEWEST_OF_A_GROUP = 10


def check_leakage(table: Path, columns: Sequence[Column], target: str) -> None:
    """Raises DataRejected (TargetLeaked) for the first column that alone separates the classes.

    Reads one column of the validated Parquet file at a time.
    """
    positive = pq.read_table(table, columns=[TARGET_FIELD]).column(0).to_numpy().astype(bool)
    if len(positive) < _FEWEST_ROWS:
        return
    for column in columns:
        values = pq.read_table(table, columns=[column.name]).column(0).combine_chunks()
        groups = _groups(values, column)
        auc = single_feature_auc(groups, positive)
        if auc >= LEAK_AUC:
            row = int(np.argmax(positive)) + 1
            raise DataRejected(
                "TargetLeaked",
                f"Column {column.name} alone tells {target} with a ROC AUC of {auc:.3f} "
                f"(row {row}, for one, has {_shown(values, row - 1)}): "
                "it is known only after the customer has left, so remove it from the features.",
            )


def single_feature_auc(groups: NDArray[np.intp], positive: NDArray[np.bool_]) -> float:
    """ROC AUC of ranking customers by the share of positives in their group; both shape (n,).

    Groups of fewer than ten are taken together: each by itself would tell its few customers apart by chance.
    At least 0.5 by construction; 1.0 means that the group decides the class.
    """
    together = np.where(np.bincount(groups)[groups] < _FEWEST_OF_A_GROUP, 0, groups + 1)
    positives = np.bincount(together, weights=positive)
    counts = np.bincount(together)
    seen = counts > 0
    order = np.argsort(positives[seen] / counts[seen], kind="stable")
    positives, negatives = positives[seen][order], (counts[seen] - positives[seen])[order]
    below = np.cumsum(negatives) - negatives
    return float(np.sum(positives * (below + negatives / 2)) / (positives.sum() * negatives.sum()))


def _groups(values: pa.Array, column: Column) -> NDArray[np.intp]:
    match column.kind:
        case ColumnKind.CATEGORY:
            codes = values.indices if isinstance(values, pa.DictionaryArray) else values.dictionary_encode().indices
            return np.asarray(pc.fill_null(pc.add(codes.cast(pa.int64()), 1), 0).to_numpy(), dtype=np.intp)
        case ColumnKind.NUMBER:
            return _number_groups(values.to_numpy(zero_copy_only=False))


def _number_groups(numbers: NDArray[np.float64]) -> NDArray[np.intp]:
    """Blanks, frequent values, and quantile bins wide enough not to tell classes apart by chance."""
    known = numbers[~np.isnan(numbers)]
    bins = max(2, min(_MOST_BINS, len(numbers) // _ROWS_PER_BIN))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1])) if len(known) else np.empty(0)
    # The sum of both sides gives a value that is an edge a group of its own: often it is a frequent one.
    groups = np.searchsorted(edges, numbers, side="left") + np.searchsorted(edges, numbers, side="right") + 1
    return np.where(np.isnan(numbers), 0, groups).astype(np.intp)


def _shown(values: pa.Array, position: int) -> str:
    value = values[position].as_py()
    return "a blank" if value is None else str(value)
