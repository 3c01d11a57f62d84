"""The common port of all workers, and the control plane's."""

from __future__ import annotations

import errno
import socket


class PortTaken(Exception):
    """The text says what to do."""


def take_port(host: str, port: int, option: str = "--port") -> tuple[socket.socket, int]:
    """A bound socket that keeps the port for our workers, and its number (a free one for port 0).

    It is bound without SO_REUSEPORT first: with it, a second gateway would quietly share the first one's port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            port = probe.getsockname()[1]
        claim = socket.socket(family, socket.SOCK_STREAM)
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claim.bind((host, port))
    except OSError as error:
        raise PortTaken(_explained(host, port, option, error)) from None
    return claim, port


def join_port(host: str, port: int) -> socket.socket:
    """A child's own socket on a port that was taken: the kernel spreads connections over those who share it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    return listener


def _explained(host: str, port: int, option: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: stop what listens there, or choose another with {option}"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"
