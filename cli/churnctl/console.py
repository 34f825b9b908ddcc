"""The terminal: colours where a person looks at one, plain text where a program reads."""

from __future__ import annotations

import codecs
import io
import os
import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.progress import Progress

_PIPED_WIDTH = 100_000
"""Nothing is cut or wrapped where a program reads."""

COLOURS = {
    "True": "green",
    "False": "red",
    "Unknown": "yellow",
    "Serving": "green",
    "Pinned": "cyan",
    "RollingOut": "yellow",
    "Training": "yellow",
    "RollingBack": "red",
    "Failed": "red",
    "Stable": "green",
    "Candidate": "yellow",
    "Rejected": "red",
    "RolledBack": "red",
    "Superseded": "bright_black",
}
"""Of words that the status has. A word says the same without its colour."""

_SIGNS = {
    "✓": "+", "✗": "x", "·": "-", "…": "...", "●": "*", "○": "o", "━": "#", "─": "-", "≥": ">=", "≤": "<=", "±": "+-",
}  # fmt: skip
"""For terminals that do not have them."""


def stdout() -> Console:
    """What a command answers. NO_COLOR and a pipe turn colours off, FORCE_COLOR turns them on (rich's rules)."""
    return _console(stderr=False)


def stderr() -> Console:
    """What a command does meanwhile, and what goes wrong."""
    return _console(stderr=True)


def visible(text: str, kept: str = "") -> str:
    """A text without control characters but those `kept`: messages and names come from others, and could move the
    cursor of a terminal, or colour and hide what is beside them."""
    return "".join(
        letter if letter in kept or unicodedata.category(letter) != "Cc" else f"\\x{ord(letter):02x}" for letter in text
    )


def write_what_the_terminal_has() -> None:
    """Signs that an encoding such as ASCII or Latin-1 does not have are written by others, and are no error."""
    codecs.register_error("churnctl", _other_signs)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="churnctl")


def _other_signs(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(
        _SIGNS.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in letters
    ), error.end


def say(text: str, colour: str | None = None, *, err: bool = True) -> None:
    """A sentence, on stderr unless told otherwise; click takes colours off for a pipe, and NO_COLOR is heeded here."""
    text = visible(text, kept="\n\t")
    styled = colour is not None and not os.environ.get("NO_COLOR")
    click.echo(click.style(text, fg=colour) if styled else text, err=err)


def _console(stderr: bool) -> Console:
    from rich.console import Console

    class Piped(Console):
        """Leaves a reader that went away, `| head` say, to the program's end, which knows the exit code for it."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    width = shutil.get_terminal_size().columns if terminal else _PIPED_WIDTH
    return Piped(stderr=stderr, width=width, highlight=False, soft_wrap=not terminal, emoji=False, markup=False)


def coloured(word: str) -> Any:
    """A word of the status in its colour."""
    from rich.text import Text

    return Text(word, style=COLOURS.get(word, ""))


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns as kubectl sets them: a header in capitals, three blanks between. Cells are texts, or rich's Text."""
    from rich.text import Text

    cells = [[cell if isinstance(cell, Text) else coloured(visible(str(cell))) for cell in row] for row in rows]
    header = [visible(name) for name in header]
    widths = [max([len(name), *(row[column].cell_len for row in cells)]) for column, name in enumerate(header)]
    console = stdout()
    for row in [[Text(name.upper(), style="bold") for name in header], *cells]:
        line = Text()
        for cell, width in zip(row, widths, strict=True):
            line.append_text(cell).append(" " * (width - cell.cell_len + 3))
        line.rstrip()
        console.print(line, soft_wrap=True)


def progress() -> Progress:
    """Progress bars on stderr that leave nothing behind, and are not there where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def byte_progress() -> Progress:
    """As `progress`, for a file that is read."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
