"""How many connections one worker has, in all and from one address."""

from __future__ import annotations

import socket
from collections import Counter

from router.gateway.errors import ApiError
from router.system.file_limit import allow_most_open_files

SURPLUS = 128
"""So many connections above the limit are told so; those above that are closed without a word."""
OWN_FILES = 128
"""Files that a worker needs besides its connections."""


class Connections:
    """Counts them. Those that are too many are refused at their first request, when somebody reads the answer."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._by_address: Counter[str] = Counter()
        self._open = 0
        self.bound(most, most_of_one)

    def bound(self, most: int, most_of_one: int) -> None:
        self._most = min(most, _most_by_files())
        self._most_of_one = most_of_one

    def opened(self, address: str) -> ApiError | None:
        """Why it is one too many, if it is."""
        self._open += 1
        self._by_address[address] += 1
        if self._open > self._most:
            return _too_many(f"This worker has {self._most:,} connections, and takes no more.", "max_connections")
        if self._by_address[address] > self._most_of_one:
            message = f"There are {self._most_of_one:,} connections from this address already."
            return _too_many(message, "max_connections_per_address")
        return None

    def hopeless(self) -> bool:
        """Whether there are so many that nobody can be told any more."""
        return self._open > self._most + SURPLUS

    def closed(self, address: str) -> None:
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def address_of(host: str) -> str:
    """Whom connections are counted by: an IPv4 address, or the network of 64 bits that one site has in IPv6."""
    if ":" not in host:
        return host
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8].hex()


def _too_many(message: str, setting: str) -> ApiError:
    text = f"{message} Close some, or raise server.{setting}."
    return ApiError(503, "too_many_connections", text, retry_after=1, retryable=True)


def _most_by_files() -> int:
    """Each request may need a second connection, to its backend."""
    most = allow_most_open_files()
    return 1_000_000 if most < 0 else max(1, (most - OWN_FILES) // 2)
