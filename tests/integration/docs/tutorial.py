"""The commands of a page that stand under `<!-- run -->`, and what it says that they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = r"\n```\w*\n(.*?)^```$"
_BLOCK = re.compile(rf"^<!-- run -->{_FENCE}|^<!-- prints ?(\d*) -->{_FENCE}", re.MULTILINE | re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True)
class Step:
    """Commands for one shell.

    Attributes:
        commands: lines of a shell script.
        prints: what comes out, in which `…` stands for anything in its line, and alone in a line for any lines;
            None where the page says nothing of it.
        code: exit code of the last command.
    """

    commands: str
    prints: str | None = None
    code: int = 0


def steps(page: str) -> Iterator[Step]:
    """The steps of a page, in order."""
    waiting: str | None = None
    for commands, code, prints in _BLOCK.findall(page):
        if commands and waiting is not None:
            yield Step(waiting)
        if commands:
            waiting = commands
        elif waiting is None:
            raise ValueError(f"nothing ran that could print {prints!r}")
        else:
            yield Step(waiting, prints, int(code or 0))
            waiting = None
    if waiting is not None:
        yield Step(waiting)


def matches(said: str, printed: str) -> bool:
    """Whether what was printed is what the page says. Widths of columns do not matter."""
    pattern = "".join(_line(line) for line in _lines(said))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def _line(line: str) -> str:
    if line == ANYTHING:
        return r"(?:.*\n)*?"
    return ".*?".join(re.escape(part) for part in line.split(ANYTHING)) + r"\n"
