"""Telling the story: for a person with progress, or a JSON line a milestone for scripts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape


class Teller:
    """Milestones go to standard output; with `as_json` nothing else does."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._progress = Console(stderr=True, highlight=False)
        self._started = time.monotonic()

    def milestone(self, name: str, sentence: str, **facts: Any) -> None:
        """Something that was seen to happen."""
        seconds = time.monotonic() - self._started
        if self._as_json:
            print(json.dumps({"milestone": name, "seconds": round(seconds, 1), **facts}), flush=True)
        else:
            self._out.print(f"[dim]{seconds:6.1f}s[/] [bold green]✓[/] {escape(sentence)}")

    def show(self, command: str, output: str) -> None:
        """A command and what it printed; not in JSON."""
        if not self._as_json:
            self._out.print(f"\n[bold]$ {escape(command)}[/]")
            print(output, flush=True)

    def headline(self, text: str) -> None:
        """What comes next; not in JSON."""
        if not self._as_json:
            self._out.print(f"\n[bold cyan]{text}[/]")

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """A spinner while something takes its time."""
        with self._progress.status(what):
            yield
