"""What the control plane shows the gateway in the place of a key when somebody tries a request on its page.

It names a key of the gateway's, whose rights it has and no others, for a few seconds, and may name one side, which
narrows them. It is signed (HMAC-SHA-256, RFC 2104) with a secret that one gateway's processes are given at their start
and nobody else ever has: with it the page can ask what any key can, and nothing that none can.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.policy import Zone
from router.core.values import KeyGrant

SCHEME = "breakeven-playground."
VIA = "playground"
"""What records of such requests say of how they came."""
SECONDS = 20.0
"""That one is good for: a request is looked at as soon as it is sent."""

Side = Literal["", "own", "cloud"]


class Ticket(Struct, frozen=True, array_like=True):
    key: str
    """The name of whose rights it has."""
    side: Side
    """Where alone it may be answered; empty for wherever the key's requests may."""
    until: float
    """Seconds since the epoch."""
    team: str
    """Of that key. A name alone may be another team's key by the time that it is read."""


_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(Ticket).decode


def signed(ticket: Ticket, secret: bytes) -> str:
    said = _encode(ticket)
    return f"{SCHEME}{said.hex()}.{_signature(said, secret)}"


def opened(token: str, secret: bytes, now: float) -> Ticket | None:
    """None for what is none, whose signature is not right, or whose time is over."""
    said, _, signature = token.removeprefix(SCHEME).partition(".")
    try:
        content = bytes.fromhex(said)
    except ValueError:
        return None
    if not hmac.compare_digest(_signature(content, secret).encode(), signature.encode("utf-8", "replace")):
        return None
    ticket = _decode(content)
    return ticket if now < ticket.until else None


def narrowed(grant: KeyGrant, side: Side, zones: Mapping[str, Zone]) -> KeyGrant:
    """The rights of a key for a request of the playground: never more zones than it has."""
    permits = grant.permits
    if side:
        there = frozenset([name for name, zone in zones.items() if zone.owned is (side == "own")])
        permits = replace(permits, zones=there if permits.zones is None else there & permits.zones)
    return replace(grant, permits=permits, via=VIA)


def _signature(said: bytes, secret: bytes) -> str:
    return hmac.digest(secret, said, "sha256").hex()
