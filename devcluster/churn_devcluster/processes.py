"""Child processes that never outlive the process that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from churn_devcluster import supervise
from churn_devcluster.errors import DevclusterError

_TAIL_BYTES = 4000


class Process:
    """One command, its log file and its process group.

    The command runs under `supervise`, in a process group of its own: Ctrl-C in the terminal does not
    reach it behind our back, `stop` and `kill` reach its descendants too, and when this process ends in
    whatever way, the kernel closes the pipe and the supervisor kills them all.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> None:
        """`environment` is the whole environment of the command; None hands down our own.

        `stdin` is what the command reads there; it is kept in memory, for what must not be seen on a
        disk or in a process list.
        """
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self._environment = None if environment is None else dict(environment)
        self._stdin = stdin
        self._popen: subprocess.Popen[bytes] | None = None
        # The write end of the supervisor's pipe, while the command runs.
        self._pipe: list[int] = []

    def start(self) -> Self:
        """Starts the command; its output is appended to the log.

        Raises:
            DevclusterError: it is running already, or the operating system refuses.
        """
        if self.running:
            raise DevclusterError(f"{self.name} is running already, as process {self.pid}.")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        read_end, write_end = os.pipe()
        try:
            self._popen = self._spawn(read_end)
        except OSError as error:
            os.close(write_end)
            raise DevclusterError(f"Cannot start {self.name}: {error}.") from error
        finally:
            os.close(read_end)
        self._pipe.append(write_end)
        return self

    def _spawn(self, read_end: int) -> subprocess.Popen[bytes]:
        supervisor = [sys.executable, "-I", "-S", supervise.__file__, str(read_end)]
        with self.log.open("ab") as output, self._open_stdin() as source:
            return subprocess.Popen(
                [*supervisor, *self.command],
                stdin=source,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                pass_fds=[read_end],
                start_new_session=True,
            )

    def _open_stdin(self) -> BinaryIO:
        # A pipe would make us wait until the command has read what does not fit in it.
        source = os.fdopen(os.memfd_create(self.name), "r+b")
        source.write(self._stdin)
        source.seek(0)
        return source

    @property
    def running(self) -> bool:
        """Whether the command has been started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def pid(self) -> int | None:
        """Process id of the supervisor, which is also the id of the process group."""
        return None if self._popen is None else self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, 128 + signal for a command that a signal ended; None while it runs."""
        return None if self._popen is None else self._popen.poll()

    def stop(self, seconds: float = 5) -> None:
        """SIGTERM to the group, then SIGKILL to whatever is left after `seconds`. Harmless when ended."""
        if self._popen is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the command and its descendants, as a crash would be; returns when they are gone,
        with their ports free. Harmless when ended."""
        # Once, whichever thread is first: whoever waits for a start stops it too when Ctrl-C has done so.
        with contextlib.suppress(IndexError):
            # The supervisor takes this for our own end.
            os.close(self._pipe.pop())
        if self._popen is not None:
            self._popen.wait()

    def wait(self, seconds: float | None = None) -> int:
        """Exit code once the command has ended.

        Raises:
            DevclusterError: it was never started, or still runs after `seconds`.
        """
        if self._popen is None:
            raise DevclusterError(f"{self.name} was never started.")
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise DevclusterError(f"{self.name} still runs after {seconds} s.") from error

    def log_tail(self) -> str:
        """The last 4000 bytes of the log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            return log.read().decode(errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
