"""Holds every row against the contract and names the first one that breaks it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from churn_report import Column, ColumnKind
from churn_report.contract import LARGEST_NUMBER

from churn_trainer.contract import numeric_categories, usual_counterpart
from churn_trainer.data import RawBatch
from churn_trainer.holdout import hash_ids
from churn_trainer.rejection import DataRejected

ID_FIELD = "__id"
TARGET_FIELD = "__target"
"""Names of the customer id and of the target (1 = positive label) in the validated table."""


@dataclass
class Validator:
    """Checks batch after batch and remembers what only the whole table can tell.

    `check` answers the batch in its validated form: id as string, target as 0 or 1, numbers as
    float64 with blanks as null, categories as dictionary codes in the contract's order.
    """

    columns: Sequence[Column]
    target: str
    id_column: str
    positive_label: str
    rows: int = 0
    positives: int = 0
    negative_label: str | None = field(default=None)
    _hashes: list[np.ndarray] = field(default_factory=list)
    _starts: list[tuple[int, str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.negative_label = usual_counterpart(self.positive_label)

    @property
    def schema(self) -> pa.Schema:
        """Schema of the validated table."""
        fields = [pa.field(ID_FIELD, pa.string()), pa.field(TARGET_FIELD, pa.int8())]
        for column in self.columns:
            kind = pa.float64() if column.kind is ColumnKind.NUMBER else pa.dictionary(pa.int16(), pa.string())
            fields.append(pa.field(column.name, kind))
        return pa.schema(fields)

    def check(self, batch: RawBatch) -> pa.RecordBatch:
        """The validated batch; raises DataRejected naming column and row."""
        ids = _texts(batch, self.id_column)
        place = _Place(batch, ids)
        _refuse_blank(ids, place, self.id_column)
        target = self._labels(_texts(batch, self.target), place)
        features = [_validated(batch, column, place) for column in self.columns]
        self._starts.append((self.rows, batch.source, batch.first_row))
        self._hashes.append(hash_ids(ids.to_pylist()))
        self.rows += len(ids)
        self.positives += int(pc.sum(target).as_py() or 0)
        return pa.RecordBatch.from_arrays([ids, target, *features], schema=self.schema)

    def _labels(self, texts: pa.Array, place: _Place) -> pa.Array:
        _refuse_blank(texts, place, self.target)
        if self.negative_label is None:
            others = texts.filter(pc.not_equal(texts, self.positive_label))
            self.negative_label = others[0].as_py() if len(others) else None
        known = [label for label in (self.negative_label, self.positive_label) if label is not None]
        position = pc.index_in(texts, value_set=pa.array(known, pa.string()))
        wrong = _first(pc.is_null(position))
        if wrong is not None:
            raise place.reject(
                "UnknownTargetValue", self.target, wrong, f'"{texts[wrong]}" is neither of {" and ".join(known)}'
            )
        return pc.equal(texts, self.positive_label).cast(pa.int8())

    @property
    def known_negative_label(self) -> str:
        """The label of the other class, once a whole table was found good."""
        if self.negative_label is None:
            raise RuntimeError("no row with a negative label was seen")
        return self.negative_label

    def check_duplicates(self, ids: Iterable[str]) -> None:
        """Raises DataRejected (DuplicateId) naming both rows; `ids` are the table's, in its order.

        Eight bytes a customer find the suspects; only those are then compared as text.
        """
        hashes = np.concatenate(self._hashes)
        ordered = np.sort(hashes)
        suspects = np.isin(hashes, ordered[1:][ordered[1:] == ordered[:-1]])
        if not suspects.any():
            return
        seen: dict[str, int] = {}
        for position, name in enumerate(ids):
            if not suspects[position]:
                continue
            if name in seen:
                raise DataRejected(
                    "DuplicateId",
                    f"Column {self.id_column}, {self._row(position)}: customer {name} stands already in "
                    f"{self._row(seen[name])}.",
                )
            seen[name] = position

    def _row(self, position: int) -> str:
        start, source, first_row = max(entry for entry in self._starts if entry[0] <= position)
        return f"row {first_row + position - start} of {source}"

    def check_whole(self) -> None:
        """Raises DataRejected: EmptyDataset or SingleClass."""
        if self.rows == 0:
            raise DataRejected("EmptyDataset", f"The table has no rows, so column {self.target} has no values.")
        if self.positives in {0, self.rows}:
            only = self.positive_label if self.positives else self.negative_label
            raise DataRejected(
                "SingleClass",
                f'Column {self.target} holds "{only}" in all {self.rows} rows: a model needs customers of both kinds.',
            )


@dataclass(frozen=True)
class _Place:
    """Turns a position within a batch into words."""

    batch: RawBatch
    ids: pa.Array

    def reject(self, reason: str, column: str, position: int, complaint: str) -> DataRejected:
        row = self.batch.first_row + position
        customer = self.ids[position].as_py()
        who = f" (customer {customer})" if customer else ""
        return DataRejected(reason, f"Column {column}, row {row} of {self.batch.source}{who}: {complaint}.")


def _validated(batch: RawBatch, column: Column, place: _Place) -> pa.Array:
    match column.kind:
        case ColumnKind.NUMBER:
            return _numbers(batch, column, place)
        case ColumnKind.CATEGORY:
            return _categories(batch, column, place)


def _numbers(batch: RawBatch, column: Column, place: _Place) -> pa.Array:
    values = _as_numbers(batch, column, place)
    if not column.nullable:
        _refuse_blank(values, place, column.name)
    infinite = _first(pc.invert(pc.is_finite(values)))
    if infinite is not None:
        raise place.reject("WrongType", column.name, infinite, f"{values[infinite]} is not a finite number")
    too_large = _first(pc.greater(pc.abs(values), LARGEST_NUMBER))
    if too_large is not None:
        complaint = f"{values[too_large]} is larger than a model can hold, {LARGEST_NUMBER:g}"
        raise place.reject("OutOfRange", column.name, too_large, complaint)
    outside = pa.scalar(False)
    if column.minimum is not None:
        outside = pc.or_(outside, pc.less(values, column.minimum))
    if column.maximum is not None:
        outside = pc.or_(outside, pc.greater(values, column.maximum))
    position = _first(outside) if isinstance(outside, pa.Array) else None
    if position is not None:
        raise place.reject("OutOfRange", column.name, position, f"{values[position]} is not within {_bounds(column)}")
    return values


def _as_numbers(batch: RawBatch, column: Column, place: _Place) -> pa.Array:
    raw = batch.rows.column(column.name)
    if pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type) or pa.types.is_decimal(raw.type):
        # Not the safe cast: that fails on integers beyond 2^53, which merely round.
        numbers = raw.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    texts = _texts(batch, column.name)
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        position = next(index for index, text in enumerate(texts.to_pylist()) if not _is_number(text))
        raise place.reject("WrongType", column.name, position, f'"{texts[position]}" is not a number') from None


def _is_number(text: str | None) -> bool:
    if text is None:
        return True
    try:
        pa.scalar(text).cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _categories(batch: RawBatch, column: Column, place: _Place) -> pa.Array:
    texts = _texts(batch, column.name)
    if not column.nullable:
        _refuse_blank(texts, place, column.name)
    allowed = pa.array(column.categories, pa.string())
    codes = pc.index_in(texts, value_set=allowed)
    numbers = numeric_categories(column)
    if numbers is not None:
        # A file may say 0.0 where the contract says 0.
        codes = pc.coalesce(codes, _codes_by_number(texts, numbers))
    unseen = _first(pc.and_(pc.is_null(codes), pc.is_valid(texts)))
    if unseen is not None:
        complaint = f'"{texts[unseen]}" is none of the allowed values {", ".join(column.categories)}'
        raise place.reject("UnseenCategory", column.name, unseen, complaint)
    return pa.DictionaryArray.from_arrays(codes.cast(pa.int16()), allowed)


def _codes_by_number(texts: pa.Array, numbers: Sequence[float]) -> pa.Array:
    known = {str(text): index for index, number in enumerate(numbers) for text in (number, f"{number:g}")}
    position = pc.index_in(texts, value_set=pa.array(list(known), pa.string()))
    return pa.array(list(known.values()), pa.int32()).take(position)


def _texts(batch: RawBatch, name: str) -> pa.Array:
    """The column as trimmed text; blank becomes null. Raises DataRejected (WrongType) for nested values."""
    raw = batch.rows.column(name)
    try:
        texts = pc.utf8_trim_whitespace(raw.cast(pa.string()))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise DataRejected(
            "WrongType",
            f"Column {name} of {batch.source} holds {raw.type}, from row 1 on, where text or a number is due.",
        ) from error
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _refuse_blank(values: pa.Array, place: _Place, name: str) -> None:
    position = _first(pc.is_null(values))
    if position is not None:
        raise place.reject("MissingValue", name, position, "the value is blank")


def _first(mask: pa.Array) -> int | None:
    position = pc.index(mask, value=True).as_py()
    return None if position < 0 else int(position)


def _bounds(column: Column) -> str:
    low = "-∞" if column.minimum is None else f"{column.minimum:g}"
    high = "∞" if column.maximum is None else f"{column.maximum:g}"
    return f"[{low}, {high}]"
