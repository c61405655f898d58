"""TCP ports on loopback: is one free, who has it, which other one is."""

from __future__ import annotations

import contextlib
import random
import socket

import psutil

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Could a server listen there now? A connection still winding down from an earlier one does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(preferred: int = 0) -> int:
    """The preferred port if it can be had, another one otherwise.

    Not one that the system hands out for outgoing connections: while a server is being brought back, a
    client's connection could take its port.
    """
    if preferred and is_free(preferred):
        return preferred
    return next(port for port in iter(lambda: random.randrange(20_000, 30_000), None) if is_free(port))


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def owner(port: int) -> str:
    """Who listens there, as far as we may know: ``python3 (pid 4711)``."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another program"
