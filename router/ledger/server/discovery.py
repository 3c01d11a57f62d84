"""Where the ledger's server is: at an address, where sentinels say, or at the node of a cluster that has its slot.

Sentinels and clusters say by themselves whom to ask, what to ask, and what the answers mean; `connection` does the
asking. All keys of the ledger share one slot, so one connection is enough also in a cluster.
"""

from __future__ import annotations

import binascii
import ssl
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import TIMEZONE_KEY

DEFAULT_PORT = 6379
_SLOTS = 16384


class Address(Struct, frozen=True):
    """A server, and how to log in. `name` is for people and has no secrets."""

    name: str
    path: str | None = None
    host: str = "localhost"
    port: int = DEFAULT_PORT
    tls: bool = False
    ca_certs: str | None = None
    username: str | None = None
    password: str | None = None
    database: int = 0

    def __repr__(self) -> str:
        return f"Address({self.name})"

    def ssl_context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca_certs) if self.tls else None

    def at(self, host: str, port: int) -> Address:
        """The same login on another server."""
        return replace(self, name=f"{host}:{port}", host=host, port=port)


class Sentinels(Struct, frozen=True):
    """The master of a name, which sentinels (`seeds`) know the address of. `server` has the login of that master."""

    name: str
    seeds: tuple[Address, ...]
    master: str
    server: Address

    def __repr__(self) -> str:
        return f"Sentinels({self.name})"

    def question(self) -> tuple[str, ...]:
        return ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.master)

    def find(self, seed: Address, answer: Any) -> Address:
        """The master, from a seed's answer to `question`. Raises `LedgerUnavailable`."""
        match answer:
            case [bytes(host), bytes(port)] if port.isdigit():
                return self.server.at(host.decode(errors="replace"), int(port))
            case None:
                raise LedgerUnavailable(f"{seed.name}: this sentinel knows no master named {self.master}")
        raise LedgerUnavailable(f"{seed.name}: the answer is not a sentinel's")

    def proof(self) -> tuple[str, ...]:
        """What a server is asked before it is used: sentinels may not know yet that it is a replica now."""
        return ("ROLE",)

    def doubt(self, answer: Any) -> str:
        """What speaks against the server, from its answer to `proof`; empty when nothing does."""
        match answer:
            case [b"master", *_]:
                return ""
            case [bytes(role), *_]:
                return f"it is not the master but a {role.decode(errors='replace')}"
        return "the answer to ROLE is not Redis's"


class Cluster(Struct, frozen=True):
    """The node that serves the ledger's slot, which every node of the cluster (`seeds` are some) knows."""

    name: str
    seeds: tuple[Address, ...]

    def __repr__(self) -> str:
        return f"Cluster({self.name})"

    def question(self) -> tuple[str, ...]:
        return ("CLUSTER", "SLOTS")

    def find(self, seed: Address, answer: Any) -> Address:
        """The node, from a seed's answer to `question`. Raises `LedgerUnavailable`."""
        slot = slot_of(TIMEZONE_KEY)
        for part in answer if isinstance(answer, list) else ():
            match part:
                case [int(first), int(last), [host, int(port), *more], *_] if first <= slot <= last:
                    return seed.at(_announced(host, more, seed), port)
        raise LedgerUnavailable(f"{seed.name}: no node serves the ledger's slot {slot}")

    def proof(self) -> tuple[str, ...]:
        """What a node is asked before it is used: one that has lost the slot, or the cluster, refuses to read."""
        return ("GET", TIMEZONE_KEY)

    def doubt(self, answer: Any) -> str:
        return ""


ServerAddress = Address | Sentinels | Cluster


def slot_of(key: str) -> int:
    """The slot of a cluster that a key with a hash tag belongs to: the CRC-16 (XMODEM) of the tag."""
    tag = key[key.index("{") + 1 : key.index("}")]
    return binascii.crc_hqx(tag.encode(), 0) % _SLOTS


def _announced(host: bytes | None, more: list[Any], seed: Address) -> str:
    """A node's host as the cluster announces it: none means the host that was asked, "?" a hostname that is not set."""
    match host, more:
        case b"?", [_, [*pairs]] if b"ip" in pairs[::2]:
            host = pairs[2 * pairs[::2].index(b"ip") + 1]
    return host.decode(errors="replace") if host and host != b"?" else seed.host
