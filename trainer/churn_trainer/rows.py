"""Rows as a model server gets them: business values in contract order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from churn_report import Column
from numpy.typing import NDArray


def raw_matrix(rows: pa.RecordBatch, columns: Sequence[Column]) -> NDArray[np.object_]:
    """Validated rows as an object matrix in contract order, shape (n, columns); blanks are None."""
    matrix = np.empty((rows.num_rows, len(columns)), dtype=object)
    for index, column in enumerate(columns):
        values = rows.column(column.name)
        if isinstance(values, pa.DictionaryArray):
            texts = np.array([*values.dictionary.to_pylist(), None], dtype=object)
            matrix[:, index] = texts[values.indices.fill_null(len(texts) - 1).to_numpy()]
        else:
            matrix[:, index] = values.to_pylist()
    return matrix
