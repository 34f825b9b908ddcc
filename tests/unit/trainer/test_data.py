"""Reading CSV and Parquet, whole folders of them, and files that are neither."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from churn_trainer.data import data_objects, format_of, read_batches
from churn_trainer.rejection import DataRejected, SpecRejected
from churn_trainer.storage import LocalStore, StoredObject


def _rows(path: Path, columns: list[str], data_format: str = "auto") -> list[dict[str, object]]:
    store = LocalStore()
    objects = data_objects(store.list(str(path)), str(path))
    batches = read_batches(store, str(path), objects, format_of(objects, data_format), columns)
    return [row for batch in batches for row in batch.rows.to_pylist()]


@pytest.mark.unit
def test_csv_is_read_as_text_with_only_the_asked_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffid,note,x\n007,"hello, you",1\n8,,\n'.encode())

    assert _rows(path, ["id", "x"]) == [{"id": "007", "x": "1"}, {"id": "8", "x": ""}]


@pytest.mark.unit
def test_parquet_keeps_its_types_and_folders_are_read_in_order(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [3], "x": [0.5]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"x": [1.5, None], "id": [1, 2]}), tmp_path / "a.parquet")
    (tmp_path / "_SUCCESS").write_text("")

    assert _rows(tmp_path, ["id", "x"]) == [{"id": 1, "x": 1.5}, {"id": 2, "x": None}, {"id": 3, "x": 0.5}]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "content", "reason", "says"),
    [
        ("a.csv", b"", "EmptyDataset", "a.csv is empty"),
        ("a.csv", b"id,x\n1,2\n3\n", "MalformedRow", "row 2 has 1 values where the header has 2"),
        ("a.csv", b"id,id,x\n1,2,3\n", "DuplicateColumn", "Column id stands 2 times"),
        (
            "a.csv",
            b"id;x\n1;2\n",
            "MissingColumn",
            "Column id is missing from a.csv, which has the columns id;x: separate them by commas.",
        ),
        ("a.csv", "id,größe,x\n1,2,3\n".encode("latin-1"), "UnreadableData", "a.csv does not begin with text in UTF-8"),
        ("a.csv", "id,x\n1,2\n".encode("utf-16"), "UnreadableData", "a.csv does not begin with text in UTF-8"),
        ("a.csv", b"id,x\n\xff\xfe,2\n", "UnreadableData", "a.csv cannot be read as csv"),
        ("a.parquet", b"no parquet at all", "UnreadableData", "a.parquet cannot be read as parquet"),
    ],
)
def test_unreadable_files_are_refused(tmp_path: Path, name: str, content: bytes, reason: str, says: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataRejected) as caught:
        _rows(tmp_path / name, ["id", "x"])

    assert caught.value.reason == reason
    assert says in caught.value.message


@pytest.mark.unit
def test_a_value_of_many_lines_is_one_value_also_in_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    # More than one block of the reader, whose end lies in a note.
    note = "line\n" * 2000
    path.write_text("id,note\n" + "".join(f'{row},"{note}"\n' for row in range(1000)))

    assert [row["id"] for row in _rows(path, ["id"])] == [str(row) for row in range(1000)]


@pytest.mark.unit
@pytest.mark.parametrize("compression", ["snappy", "zstd"])
def test_a_damaged_parquet_page_is_refused(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [str(number) for number in range(5000)]}), path, compression=compression)
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)

    with pytest.raises(DataRejected, match=r"a\.parquet cannot be read as parquet") as caught:
        _rows(path, ["id"])

    assert caught.value.reason == "UnreadableData"


@pytest.mark.unit
def test_a_file_of_a_folder_is_named_by_its_path_below_it(tmp_path: Path) -> None:
    for day in ("day=1", "day=2"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "part.csv").write_text("id\n" if day == "day=1" else "key\n")

    with pytest.raises(DataRejected, match=r"Column id is missing from day=2/part\.csv"):
        _rows(tmp_path, ["id"])


@pytest.mark.unit
def test_a_dataset_of_mixed_formats_is_refused() -> None:
    objects = [StoredObject("d/a.csv", "e", 1), StoredObject("d/b.parquet", "e", 1)]

    with pytest.raises(DataRejected, match=r"a\.csv, b\.parquet do not all end in"):
        format_of(objects, "auto")


@pytest.mark.unit
def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(SpecRejected, match="use auto, csv or parquet"):
        format_of([StoredObject("d/a.csv", "e", 1)], "excel")


@pytest.mark.unit
def test_a_missing_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRejected) as caught:
        _rows(tmp_path / "nowhere.csv", ["id"])

    assert caught.value.reason == "DatasetNotFound"
