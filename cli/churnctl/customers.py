"""Customers from a JSON or CSV file, as the instances that a model server takes."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churnctl.errors import InputError

_STDIN = "-"
_DELIMITERS = ",;\t|"
_HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
"""A surrogate, which is a character only together with the next one, and by itself cannot be sent."""


@dataclass(frozen=True)
class Customers:
    """Customers in the order of the file.

    Attributes:
        instances: an object of fields, or an array in contract order, each.
        names: what to call each: its id, or `#` and its place from 1.
    """

    instances: tuple[Any, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Fields:
    """What a ChurnModel's spec says of columns: its id and target are no features."""

    id_column: str
    target: str
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Fields:
        """Those of a spec; without a contract of its own, kinds stay open."""
        dataset = spec.get("dataset", {})
        kinds = {column["name"]: column["kind"] for column in dataset.get("columns") or ()}
        return cls(dataset.get("idColumn", "customerID"), dataset.get("target", "Churn"), kinds)


def read_customers(name: str, fields: Fields) -> Customers:
    """Customers of a file; `-` is stdin. JSON is told from CSV by how it begins.

    Raises:
        InputError: it cannot be read, or holds no customer.
    """
    text = _text(name)
    looks_like_json = text.lstrip()[:1] in {"[", "{"}
    rows = _from_json(text, name) if looks_like_json else _from_csv(text, name, fields)
    if not rows:
        raise InputError(f"{name} holds no customer.")
    return Customers(
        tuple(_features(row, fields) for row in rows),
        tuple(_name(row, place, fields) for place, row in enumerate(rows, start=1)),
    )


def _text(name: str) -> str:
    try:
        content = sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start}): save it as UTF-8.") from error


def _from_json(text: str, name: str) -> list[Any]:
    try:
        content = json.loads(text, parse_constant=_no_constant)
        if _HALF_A_CHARACTER.search(text):
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError as error:
        raise InputError(f"{name} is no JSON of customers: it is nested too deeply.") from error
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise InputError(f"{name} is no JSON of customers: it has half a character, {half}.") from error
    except ValueError as error:
        raise InputError(f"{name} is no JSON: {error}.") from error
    if isinstance(content, dict) and isinstance(content.get("instances"), list):
        content = content["instances"]
    rows = content if isinstance(content, list) else [content]
    # A row of values in contract order is an array of scalars; several of them are an array of arrays.
    if rows and not any(isinstance(row, dict | list) for row in rows):
        return [rows]
    return rows


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a value that it has, so write null for what is not known")


def _from_csv(text: str, name: str, fields: Fields) -> list[dict[str, Any]]:
    header_line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header_line.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        header = [column.strip() for column in next(reader, [])]
        lines = [(reader.line_num, line) for line in reader if line]
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: {error}.") from error
    twice = next((column for column in header if header.count(column) > 1), None)
    if twice is not None:
        raise InputError(f"{name} has the column {twice} twice: remove one.")
    for number, line in lines:
        if len(line) != len(header):
            raise InputError(f"{name}, line {number}: {len(line)} values, and the header has {len(header)} columns.")
    names = {fields.id_column, fields.target}
    return [
        {
            column: text if column in names else value_of(text, fields.kinds.get(column))
            for column, text in zip(header, line, strict=True)
        }
        for _, line in lines
    ]


def value_of(text: str, kind: str | None) -> Any:
    """A cell as the model server takes it: a number for a number, None for a blank.

    Of an open kind, what is written like a number is one; for a category such as "0" the server knows what is meant.
    """
    if not text.strip():
        return None
    if kind == "category":
        return text
    stripped = text.strip()
    try:
        return int(stripped)
    except ValueError:
        pass
    try:
        number = float(stripped)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _features(row: Any, fields: Fields) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: value for name, value in row.items() if name not in {fields.id_column, fields.target}}


def _name(row: Any, place: int, fields: Fields) -> str:
    known = row.get(fields.id_column) if isinstance(row, dict) else None
    return f"#{place}" if known is None or known == "" else str(known)


def batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """The items in their order, `size` at a time."""
    return [items[start : start + size] for start in range(0, len(items), size)]
