"""What was uploaded or pasted, read as a table of customers: JSON or CSV, told apart by the content."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churn_report import DataContract

from churn_webapp.errors import InvalidRequest, TooLarge

_DELIMITERS = ",;\t|"
_LONGEST_FIELD = 100_000
_MOST_COLUMNS = 1000
MOST_CELLS = 2_100_000
"""Rows times columns: 100,000 Telco customers, of about 100 bytes a cell."""
_NO_TEXT = "This file is not text, so it is neither CSV nor JSON. From a spreadsheet, save as “CSV UTF-8”."
_HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
"""A surrogate, which is a character only together with the next one, and by itself can be written nowhere."""


@dataclass(frozen=True)
class Upload:
    """Customers as they were sent, each with its values by column; `single` if one was sent by itself."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    single: bool = False


def read_upload(content: bytes, contract: DataContract, most_rows: int) -> Upload:
    """Read a file or a text. Raises InvalidRequest or TooLarge with a sentence that says what to change."""
    text = _text(content)
    if not text.strip():
        raise InvalidRequest("There is nothing to predict: choose a file, or paste customers as JSON or CSV.")
    if text.lstrip()[0] in "{[":
        return read_json(_parse(text), contract, most_rows)
    return _read_csv(text, contract, most_rows)


def parse_json(content: bytes) -> Any:
    """The document. Raises InvalidRequest saying where it is none."""
    return _parse(_text(content))


def read_json(document: Any, contract: DataContract, most_rows: int) -> Upload:
    """Customers from JSON: one object, a list of them, or {"instances": [...]}; an instance may be a list of values in
    the contract's order. Raises InvalidRequest or TooLarge."""
    body = document
    if isinstance(body, Mapping) and "instances" in body:
        body = body["instances"]
        if not isinstance(body, Mapping | list):
            raise InvalidRequest("“instances” is not a list of customers.")
    single = isinstance(body, Mapping)
    instances = [body] if single else body
    if not isinstance(instances, list) or not instances:
        raise InvalidRequest("The JSON has no customers: send one object, a list of objects, or {“instances”: […]}.")
    _limit(len(instances), most_rows)
    if not isinstance(instances[0], Mapping | list) and len(instances) == len(contract.columns):
        # The values of one customer, without names.
        instances, single = [instances], True
    rows = tuple(_named(instance, number, contract) for number, instance in enumerate(instances))
    columns = dict.fromkeys(str(name) for row in rows for name in row)
    _limit_cells(len(rows), len(columns))
    return Upload(tuple(columns), rows, single)


def _named(instance: Any, index: int, contract: DataContract) -> Mapping[str, Any]:
    if isinstance(instance, Mapping):
        return instance
    if isinstance(instance, list):
        if len(instance) != len(contract.columns):
            raise InvalidRequest(
                f"Customer {index + 1} is a list of {len(instance)} values; the model has {len(contract.columns)} "
                f"columns: {', '.join(contract.names)}."
            )
        return dict(zip(contract.names, instance, strict=True))
    raise InvalidRequest(f"Customer {index + 1} is neither an object with named fields nor a list of values.")


def _text(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidRequest(_NO_TEXT) from error
    if "\0" in text:
        raise InvalidRequest(_NO_TEXT)
    return text


def _parse(text: str) -> Any:
    try:
        document = json.loads(text)
        if _HALF_A_CHARACTER.search(text):
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"This is no JSON: {error.msg[0].lower()}{error.msg[1:]} in line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise InvalidRequest("This is no JSON of customers: it is nested too deeply.") from error
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"This is no JSON of customers: it has half a character, \\u{ord(error.object[error.start]):04x}."
        ) from error
    except ValueError as error:
        raise InvalidRequest("This is no JSON of customers: a number in it has thousands of digits.") from error


def _read_csv(text: str, contract: DataContract, most_rows: int) -> Upload:
    first_line = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter, strict=True)
    try:
        header = tuple(name.strip() for name in next(reader))
        _check_header(header, contract)
        rows = [values for values in reader if values]
    except csv.Error as error:
        raise InvalidRequest(f"Line {reader.line_num} of the CSV cannot be read: {error}.") from error
    _limit(len(rows), most_rows)
    _limit_cells(len(rows), len(header))
    if not rows:
        raise InvalidRequest("The CSV has a header and no customers.")
    for number, values in enumerate(rows):
        if len(values) != len(header):
            raise InvalidRequest(
                f"Row {number + 1} of the CSV has {len(values)} fields, the header has {len(header)} "
                f"(separated by {_name_of(delimiter)})."
            )
    # Values such as Yes stand in many rows, and once in memory.
    once: dict[str, str] = {}
    shared = ([once.setdefault(value, value) for value in values] for values in rows)
    return Upload(header, tuple(dict(zip(header, values, strict=True)) for values in shared))


def _check_header(header: tuple[str, ...], contract: DataContract) -> None:
    missing = [column.name for column in contract.columns if column.name not in header and not column.nullable]
    if not set(header) & set(contract.names) or len(header) > _MOST_COLUMNS:
        raise InvalidRequest(
            f"The first line names none of the model's columns, so this is no CSV of customers. It has to name "
            f"{', '.join(contract.names)}."
        )
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise InvalidRequest(f"The CSV lacks the column{plural} {', '.join(missing)}.")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"The CSV has the column “{twice}” twice.")


def _limit(rows: int, most_rows: int) -> None:
    if rows > most_rows:
        raise TooLarge(f"There are {rows:,} customers; at most {most_rows:,} are taken at once. Split the file.")


def _limit_cells(rows: int, columns: int) -> None:
    if rows * columns > MOST_CELLS:
        raise TooLarge(
            f"There are {rows:,} customers with {columns:,} columns; at most {MOST_CELLS:,} values are taken at once. "
            f"Split the file, or leave out columns that the model does not have."
        )


def _name_of(delimiter: str) -> str:
    return {"\t": "tabs", ";": "semicolons", "|": "bars"}.get(delimiter, "commas")
