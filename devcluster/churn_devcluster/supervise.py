"""Runs one command and sees to it that nothing of it outlives the process that wanted it.

Started by path (`python -I -S supervise.py <fd> <command>...`) so that it imports next to nothing.
`fd` is the read end of a pipe whose write end only the wanting process holds: however that process
ends, SIGKILL included, the pipe reports end of file, and the command and all its descendants are
killed. The kernel's parent-death signal alone would not do: it fires when the *thread* that started the
child ends, and it does not reach grandchildren.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _start(command: list[str], supervisor: int) -> int:
    child = os.fork()
    if child:
        return child
    # Covers the one case the pipe does not: SIGKILL of this supervisor alone.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def _wait(child: int, parent_pipe: int, wakeup: int) -> int:
    """Exit code once `child` ended, or after the parent's end closed the pipe."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        readable, _, _ = select.select([parent_pipe, wakeup], [], [])
        if parent_pipe in readable:
            return -signal.SIGKILL
        os.read(wakeup, 512)


def main(arguments: list[str]) -> None:
    """Supervises `arguments[1:]`, and ends only when no descendant of it is left."""
    parent_pipe, command = int(arguments[0]), arguments[1:]
    os.set_inheritable(parent_pipe, False)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    wakeup, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
    code = _wait(_start(command, os.getpid()), parent_pipe, wakeup)
    _end_descendants()
    sys.exit(128 - code if code < 0 else code)


def _end_descendants() -> None:
    """SIGKILL to every descendant, and waits until each has given back its ports and files.

    As the subreaper of its descendants, this process becomes the parent of those whose own parent has
    ended, so to end its children until there are none is to end them all.
    """
    while True:
        for child in _children():
            os.kill(child, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as listing:  # noqa: PTH123
        return [int(pid) for pid in listing.read().split()]


if __name__ == "__main__":
    main(sys.argv[1:])
