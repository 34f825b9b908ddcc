"""A shell that stays, as the terminal of a person who follows a page."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_END = "--- end of step"


class Shell:
    """bash without start-up files. `run` keeps variables and the folder from one call to the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, commands: str, seconds: float) -> tuple[str, int]:
        """What the commands print, stderr included, and the exit code of the last one. A shell that is not done in
        time is killed, which ends the output early with the code -1."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        late = threading.Timer(seconds, self._kill)
        late.start()
        try:
            self._process.stdin.write(f"{commands}\nprintf '\\n%s %s\\n' '{_END}' \"$?\"\n")
            self._process.stdin.flush()
            printed = ""
            for line in self._process.stdout:
                if line.startswith(_END):
                    return printed, int(line.removeprefix(_END))
                printed += line
            return printed, -1
        finally:
            late.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._kill()
        self._process.communicate()

    def _kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
