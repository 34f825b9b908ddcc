"""A CSV file of customers, read once: what each column holds, and the first rows for a closer look."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from churnctl.errors import InputError

MOST_VALUES = 200
"""Categories that a column of the API may have."""
_MOST_IDS = 2_000_000
_SAMPLE = 20_000
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass
class ColumnSummary:
    """What was seen in a column.

    Attributes:
        values: how often each value occurs; of more than MOST_VALUES + 1, no further ones are kept.
        rows, blanks, numbers, integers: how many cells there are, are blank, are finite numbers, are whole ones.
        repeated: whether a value that is not blank was seen twice.
    """

    name: str
    rows: int = 0
    blanks: int = 0
    numbers: int = 0
    integers: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    longest: int = 0
    repeated: bool = False
    values: dict[str, int] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    @property
    def filled(self) -> int:
        """Cells that are not blank."""
        return self.rows - self.blanks

    @property
    def numeric(self) -> bool:
        """Whether every cell that is not blank is a number."""
        return 0 < self.filled == self.numbers

    @property
    def unique(self) -> bool:
        """Whether it could identify a customer: never blank, and never twice the same."""
        return self.rows > 0 and not self.blanks and not self.repeated

    @property
    def many(self) -> bool:
        """Whether there are more values than a category may have."""
        return len(self.values) > MOST_VALUES

    def add(self, cell: str) -> None:
        """Take a cell in."""
        self.rows += 1
        if not cell.strip():
            self.blanks += 1
            return
        if cell in self.values:
            self.values[cell] += 1
        elif len(self.values) <= MOST_VALUES:
            self.values[cell] = 1
        self.longest = max(self.longest, len(cell))
        self._add_number(cell)
        self._add_identity(cell)

    def _add_number(self, cell: str) -> None:
        number = number_of(cell)
        if number is None:
            return
        self.numbers += 1
        self.integers += number.is_integer()
        self.minimum, self.maximum = min(self.minimum, number), max(self.maximum, number)

    def _add_identity(self, cell: str) -> None:
        if self.repeated:
            return
        mark = hash(cell)
        # Beyond two million customers the memory is not worth it: what was never repeated so far is believed.
        if mark in self._seen:
            self.repeated = True
            self._seen.clear()
        elif len(self._seen) < _MOST_IDS:
            self._seen.add(mark)


@dataclass(frozen=True)
class Table:
    """The file.

    Attributes:
        sample: its first rows.
    """

    file: Path
    columns: tuple[ColumnSummary, ...]
    rows: int
    sample: tuple[Sequence[str], ...]

    def column(self, name: str) -> ColumnSummary:
        """The column of this name.

        Raises:
            InputError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(
            f"{self.file} has no column {name}; it has {', '.join(column.name for column in self.columns)}."
        )

    def cells(self, name: str) -> list[str]:
        """The sample's cells of a column."""
        place = [column.name for column in self.columns].index(name)
        return [row[place] for row in self.sample]


def number_of(cell: str) -> float | None:
    """A cell as a finite number, or None."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_table(file: Path, advance: Callable[[int], None] = lambda _: None) -> Table:
    """Read the whole file; `advance` is told how many bytes are behind, from time to time.

    Raises:
        InputError: it is no table of at least one row.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            return _read(file, text.readline(), _counted(text, advance))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8: save it as UTF-8.") from error


def _counted(lines: Iterator[str], advance: Callable[[int], None]) -> Iterator[str]:
    count = 0
    for line in lines:
        count += len(line)
        if count > 1 << 20:
            advance(count)
            count = 0
        yield line
    advance(count)


def _read(file: Path, first: str, rest: Iterator[str]) -> Table:
    delimiter = max(_DELIMITERS, key=first.count)
    if delimiter != ",":
        raise InputError(f"{file} separates its columns by {_DELIMITERS[delimiter]}: training reads commas.")
    header = next(csv.reader([first]), [])
    _check_header(file, header)
    columns = tuple(ColumnSummary(name) for name in header)
    sample: list[Sequence[str]] = []
    rows = 0
    for row in _rows(file, rest, len(header)):
        rows += 1
        if len(sample) < _SAMPLE:
            sample.append(row)
        for column, cell in zip(columns, row, strict=True):
            column.add(cell)
    if not rows:
        raise InputError(f"{file} has a header and no customers.")
    return Table(file, columns, rows, tuple(sample))


def _rows(file: Path, lines: Iterator[str], width: int) -> Iterator[Sequence[str]]:
    """Rows below the header, each of `width` cells, as training reads them: without blanks around a value."""
    reader = csv.reader(lines)
    try:
        for row in reader:
            if row and len(row) != width:
                raise InputError(
                    f"{file}, line {reader.line_num + 1}: {len(row)} values, and the header has {width} columns."
                )
            if row:
                yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num + 1}: {error}; is a quotation mark not closed?") from error


def _check_header(file: Path, header: list[str]) -> None:
    if not header or header == [""]:
        raise InputError(f"{file} is empty.")
    for place, name in enumerate(header, start=1):
        if not name.strip():
            raise InputError(f"{file}: column {place} has no name in the header.")
        if name != name.strip():
            raise InputError(f"{file}: a blank belongs to the name of column {place}, {name!r}: remove it.")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{file} has the column {twice[0]} twice.")
    if all(number_of(name) is not None for name in header):
        raise InputError(f"{file} begins with numbers: its first line has to name the columns.")
