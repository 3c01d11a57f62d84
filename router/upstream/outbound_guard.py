"""What a process that runs other people's clients may connect to, whatever those clients do.

Python tells an audit hook of every look-up and connection before it is made, so what a library does on its own, such as
following a redirect, obeying a proxy's variable or calling home, ends there. Libraries that connect without Python are
not seen; the process must not load such.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any

from router.core.host_patterns import normal, permits

_LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname")
_CONNECTIONS = ("socket.connect", "socket.sendto", "socket.sendmsg")
MOST_ADDRESSES = 10_000
"""Names of providers turn into ever other addresses; beyond this many the memory begins anew."""

LookUp = Callable[..., list[Any]]


class UnreachableError(ConnectionError):
    """Nothing that this process is for stands there."""


class OutboundGuard:
    """Hosts by patterns as in `core.host_patterns`, and sockets in the file system by their path."""

    def __init__(self, hosts: Iterable[str], sockets: Iterable[str] = ()) -> None:
        self._hosts = tuple(hosts)
        self._sockets = frozenset(sockets)
        self._names: dict[str, set[str]] = {}

    def install(self) -> None:
        """For good: a hook cannot be taken away."""
        original: LookUp = socket.getaddrinfo

        def look_up(host: Any, *arguments: Any, **named: Any) -> list[Any]:
            found = original(host, *arguments, **named)
            self.found(_text(host), (each[4][0] for each in found))
            return found

        socket.getaddrinfo = look_up
        sys.addaudithook(self.check)

    def found(self, name: str, addresses: Iterable[str]) -> None:
        """Where a permitted name stands, for the connections that follow."""
        if len(self._names) > MOST_ADDRESSES:
            self._names.clear()
        for address in addresses:
            self._names.setdefault(address, set()).add(normal(name))

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook. Raises UnreachableError."""
        if event in _LOOK_UPS:
            self._check_name(_text(arguments[0]))
        elif event in _CONNECTIONS:
            self._check_address(arguments[-1])

    def _check_name(self, name: str) -> None:
        # Numbers are no secret to look up; the connection to them is what is checked.
        if name and not _is_number(name) and not permits(self._hosts, name, None):
            raise UnreachableError(f"{name} is no host that the policy names")

    def _check_address(self, address: Any) -> None:
        if address is None:
            return
        if not isinstance(address, tuple):
            if _text(address) not in self._sockets:
                raise UnreachableError("no socket in the file system is one that this process needs")
            return
        number, port = _text(address[0]), int(address[1])
        names = (number, *self._names.get(number, ()))
        if not any(permits(self._hosts, name, port) for name in names):
            raise UnreachableError(f"{number}:{port} is nothing that the policy names")


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
