"""Runs one command and sees to it that nothing of it outlives the process that wanted it.

Started by path (`python -I -S supervise.py <fd> <command>...`) so that it imports next to nothing.
`fd` is the read end of a pipe whose write end only the wanting process holds: however that process
ends, SIGKILL included, the pipe reports end of file and the whole process group is killed. The kernel's
parent-death signal alone would not do: it fires when the *thread* that started the child ends, and it
does not reach grandchildren.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _start(command: list[str], supervisor: int) -> int:
    child = os.fork()
    if child:
        return child
    # Covers the one case the pipe does not: SIGKILL of this supervisor alone.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
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
    """Supervises `arguments[1:]`; leads its own process group, which it kills at the end."""
    parent_pipe, command = int(arguments[0]), arguments[1:]
    os.set_inheritable(parent_pipe, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    wakeup, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    code = _wait(_start(command, os.getpid()), parent_pipe, wakeup)
    status = 128 - code if code < 0 else code
    # Whatever the command left in the group goes with it, this supervisor last of all.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _kill_the_rest_of_the_group()
    os._exit(status)


def _kill_the_rest_of_the_group() -> None:
    """SIGKILL to every other process of our group, so that our own exit status survives."""
    group = os.getpgrp()
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib would triple the start-up time
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                if os.getpgid(int(entry)) == group:
                    os.kill(int(entry), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


if __name__ == "__main__":
    main(sys.argv[1:])
