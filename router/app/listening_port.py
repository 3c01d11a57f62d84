"""The common port of all workers, and the control plane's."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import struct
import sys


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


def turn_away(listener: socket.socket) -> None:
    """Let no new connection begin, while those that have begun can still be accepted. On Linux; elsewhere nothing.

    Closing a listener resets every connection that waits to be accepted, with the request that its client has sent. So
    the kernel is first told to drop SYNs, which clients send again a second later: by then the listener is closed, they
    are refused, and have sent nothing that could be lost.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in _NO_SYN))
    argument = struct.pack("HL", len(_NO_SYN), ctypes.addressof(program))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, argument)


_SO_ATTACH_FILTER = 26
_NO_SYN = (
    (0x30, 0, 0, 13),  # load the byte of TCP's header that has the flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # yes: drop
    (0x06, 0, 0, 0xFFFFFFFF),  # no: keep all of it
)
"""Classic BPF, as struct sock_filter; a listener's own answers pass no filter."""


def _explained(host: str, port: int, option: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: stop what listens there, or choose another with {option}"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"
