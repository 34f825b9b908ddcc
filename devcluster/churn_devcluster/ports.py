"""Loopback ports for the parts of the devcluster."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

from churn_devcluster.errors import DevclusterError

LOOPBACK = "127.0.0.1"

# Below the kernel's ephemeral range (32768 to 60999), so that an outgoing connection of some other
# process does not take the port between our look and the server's bind.
_FIRST, _LAST = 15000, 31999
_ATTEMPTS = 2000
_MOST_GIVEN = 2000


class _Given:
    """Ports that this process gave away or asked for. A server binds its port seconds later, and one that is stopped
    for a while comes back to it: meanwhile no other process of this user is given it.

    A port is the lock of one byte of a file, which ends with the process.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._ports: dict[int, None] = {}
        self._file: int | None = None

    def add(self, port: int) -> bool:
        """Whether it was nobody's before, this process included."""
        with self._guard:
            if port in self._ports:
                return False
            try:
                fcntl.lockf(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            except BlockingIOError:
                return False
            except OSError:
                # Without a file that can be locked nobody else is likely to want it all the same.
                pass
            self._ports[port] = None
            self._let_go_of_the_oldest()
            return True

    def _opened(self) -> int:
        # Once, and never closed: to close any descriptor of the file gives up every lock on it.
        if self._file is None:
            path = Path(tempfile.gettempdir()) / f"churn-devcluster-ports-{os.getuid()}"
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        return self._file

    def _let_go_of_the_oldest(self) -> None:
        """A model server that fails for days is given a port each time."""
        while len(self._ports) > _MOST_GIVEN:
            oldest = next(iter(self._ports))
            del self._ports[oldest]
            with suppress(OSError):
                fcntl.lockf(self._opened(), fcntl.LOCK_UN, 1, oldest)


_given = _Given()


def free_port() -> int:
    """A loopback port nobody listens on.

    Raises:
        DevclusterError: no port of the range is free.
    """
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports nobody listens on, and that no other process of this user was given.

    Raises:
        DevclusterError: the range does not have that many free ports.
    """
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(_ATTEMPTS):
            if len(found) == count:
                break
            port = random.randint(_FIRST, _LAST)
            listener = _try_to_listen(port)
            if listener is None:
                continue
            held.enter_context(listener)
            if _given.add(port):
                found.append(port)
    if len(found) < count:
        raise DevclusterError(f"No {count} free ports between {_FIRST} and {_LAST} on {LOOPBACK}.")
    return found


def require_free(port: int, purpose: str) -> int:
    """`port` itself, once it is certain that nobody listens on it.

    Raises:
        DevclusterError: the port is taken.
    """
    listener = _try_to_listen(port)
    if listener is None:
        raise DevclusterError(
            f"Port {port} on {LOOPBACK}, wanted for {purpose}, is taken by another process: stop that "
            f"process (`ss -ltnp 'sport = :{port}'` names it) or choose another port."
        )
    listener.close()
    _given.add(port)
    return port


def is_listening(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def _try_to_listen(port: int) -> socket.socket | None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # As servers do: a connection in TIME_WAIT does not make a port taken.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(1)
    except OSError:
        listener.close()
        return None
    return listener
