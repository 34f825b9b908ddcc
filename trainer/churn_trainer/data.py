"""Reads a customer table as a stream of batches, so that memory does not grow with the table."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from churn_trainer.rejection import DataRejected, SpecRejected
from churn_trainer.storage import Store, StoredObject

_BATCH_ROWS = 65_536
_CSV_BLOCK_BYTES = 8 << 20
_SUFFIX_FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True)
class RawBatch:
    """Consecutive rows of one object as they were read, asked columns only.

    `first_row` is the number of the batch's first row within its object, counted from 1 without
    the header line.
    """

    rows: pa.RecordBatch
    source: str
    first_row: int


def data_objects(objects: Sequence[StoredObject], uri: str) -> tuple[StoredObject, ...]:
    """The objects that hold rows: all but markers such as `_SUCCESS` and hidden files.

    Raises DataRejected (DatasetNotFound) when there is none.
    """
    kept = tuple(stored for stored in objects if not PurePosixPath(stored.key).name.startswith(("_", ".")))
    if not kept:
        raise DataRejected("DatasetNotFound", f"There is no object at {uri}.")
    return kept


def format_of(objects: Sequence[StoredObject], wish: str) -> str:
    """ "csv" or "parquet": the wish, or for "auto" what the names end in.

    Raises SpecRejected (UnknownFormat) for another wish, DataRejected (UnknownFormat) for names that do not tell.
    """
    if wish in {"csv", "parquet"}:
        return wish
    if wish not in {"auto", ""}:
        raise SpecRejected("UnknownFormat", f"The dataset format {wish} is unknown: use auto, csv or parquet.")
    found = {_SUFFIX_FORMATS.get(PurePosixPath(stored.key).suffix.lower()) for stored in objects}
    if len(found) > 1 or None in found:
        names = ", ".join(PurePosixPath(stored.key).name for stored in objects[:3])
        raise DataRejected(
            "UnknownFormat",
            f"The names {names} do not all end in .csv or all in .parquet: "
            "set the dataset's format or move other files away.",
        )
    return str(found.pop())


def read_batches(
    store: Store, uri: str, objects: Sequence[StoredObject], data_format: str, columns: Sequence[str]
) -> Iterator[RawBatch]:
    """Yields the named columns of every object in key order, one object on disk at a time.

    Raises DataRejected: MissingColumn, DuplicateColumn, EmptyDataset, MalformedRow, UnreadableData.
    """
    with tempfile.TemporaryDirectory(prefix="churn-trainer-") as folder:
        for stored in objects:
            path = Path(folder) / "object"
            store.download(uri, stored.key, path)
            name = _name(stored.key, uri)
            try:
                if data_format == "csv":
                    yield from _csv_batches(path, name, columns)
                else:
                    yield from _parquet_batches(path, name, columns)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise _unreadable(name, data_format, error) from error
            except OSError as error:
                # A damaged Parquet page is one too; only what the system says has a number.
                if error.errno is not None:
                    raise
                raise _unreadable(name, data_format, error) from error
            path.unlink()


def _name(key: str, uri: str) -> str:
    """The object's path below the dataset's: files of different folders are often called alike."""
    folder = uri.removeprefix("s3://").partition("/")[2] if uri.startswith("s3://") else uri
    below = key.removeprefix(f"{folder.rstrip('/')}/")
    return below if below != key else PurePosixPath(key).name


def _csv_batches(path: Path, name: str, columns: Sequence[str]) -> Iterator[RawBatch]:
    _check_header(_csv_header(path, name), columns, name)
    malformed: list[pacsv.InvalidRow] = []

    def note(row: pacsv.InvalidRow) -> str:
        # pyarrow swallows what its handler raises.
        malformed.append(row)
        return "error"

    try:
        reader = pacsv.open_csv(
            path,
            # One thread, because only then does pyarrow know the number of a malformed row.
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK_BYTES),
            # A note of several lines is one value, also where a block ends in it.
            parse_options=pacsv.ParseOptions(invalid_row_handler=note, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                default_column_type=pa.string(), include_columns=list(columns), strings_can_be_null=False
            ),
        )
        yield from _numbered(reader, name)
    except pa.ArrowInvalid as error:
        if malformed:
            raise _malformed(malformed[0], name) from error
        raise


def _csv_header(path: Path, name: str) -> list[str]:
    if path.stat().st_size == 0:
        raise DataRejected("EmptyDataset", f"{name} is empty: it has not even a header line.")
    with path.open("rb") as file:
        header = file.readline()
    try:
        names = pacsv.read_csv(
            pa.BufferReader(header), convert_options=pacsv.ConvertOptions(default_column_type=pa.string())
        ).column_names
    except UnicodeDecodeError as error:
        raise DataRejected(
            "UnreadableData", f"{name} does not begin with text in UTF-8: save it as CSV in UTF-8."
        ) from error
    return [str(column) for column in names]


def _malformed(row: pacsv.InvalidRow, name: str) -> DataRejected:
    # The number counts the header line as 1, so the row after it has 2.
    number = f"row {row.number - 1}" if row.number is not None else "a row"
    return DataRejected(
        "MalformedRow",
        f"In {name}, {number} has {row.actual_columns} values where the header has {row.expected_columns}: "
        f"{row.text[:80]!r}.",
    )


def _parquet_batches(path: Path, name: str, columns: Sequence[str]) -> Iterator[RawBatch]:
    with pq.ParquetFile(path) as file:
        _check_header(list(file.schema_arrow.names), columns, name)
        yield from _numbered(file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns)), name)


def _numbered(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[RawBatch]:
    first_row = 1
    for batch in batches:
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            rows = batch.slice(start, _BATCH_ROWS)
            yield RawBatch(rows, name, first_row)
            first_row += rows.num_rows


def _check_header(names: Sequence[str], columns: Sequence[str], source: str) -> None:
    counts = Counter(names)
    hint = ": separate them by commas" if len(names) == 1 and set(names[0]) & set(";\t|") else ""
    for column in columns:
        if counts[column] == 0:
            raise DataRejected(
                "MissingColumn",
                f"Column {column} is missing from {source}, which has the columns {', '.join(names)}{hint}.",
            )
        if counts[column] > 1:
            raise DataRejected("DuplicateColumn", f"Column {column} stands {counts[column]} times in {source}.")


def _unreadable(name: str, data_format: str, error: Exception) -> DataRejected:
    return DataRejected("UnreadableData", f"{name} cannot be read as {data_format}: {str(error).rstrip('.')}.")
