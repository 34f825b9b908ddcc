"""Loopback ports for the parts of the devcluster."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

from churn_devcluster.errors import DevclusterError

LOOPBACK = "127.0.0.1"

# Below the kernel's ephemeral range (32768 to 60999), so that an outgoing connection of some other
# process does not take the port between our look and the server's bind.
_FIRST, _LAST = 15000, 31999
_ATTEMPTS = 2000


def free_port() -> int:
    """A loopback port nobody listens on.

    Raises:
        DevclusterError: no port of the range is free.
    """
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports nobody listens on.

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
            if listener is not None:
                held.enter_context(listener)
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
