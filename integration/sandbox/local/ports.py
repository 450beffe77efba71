"""Free ports on the loopback address."""

from __future__ import annotations

import secrets
import socket

from integration.errors import InputError, NodeError

LOOPBACK = "127.0.0.1"
_FIRST, _END = 20_000, 32_000
"""Below the ports that systems give to outgoing connections: one found free stays free until the node takes it."""
_TRIES = 100


def is_free(port: int) -> bool:
    """Whether nothing listens on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Find a port on which nothing listens.

    Raises `NodeError` when none is found.
    """
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_END - _FIRST)
        if is_free(port):
            return port
    raise NodeError(f"None of {_TRIES} ports between {_FIRST} and {_END} is free on {LOOPBACK}.")


def require_free(port: int) -> None:
    """See that a port that the user named can be had.

    Raises `InputError` when something listens on it.
    """
    if not is_free(port):
        raise InputError(f"Port {port} on {LOOPBACK} is taken. Choose another with --port, or leave --port out.")
