"""What a backend would fetch for a request: the addresses that stand in its parts, judged before anybody is asked.

A server that fetches what a request names can be sent into the network around it, and the fetch itself tells whoever
is asked that the request exists. Names are judged as they are written: what they resolve to, and where their server
redirects to, only the fetching server sees.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal

from router.core.origin import LONGEST, Origin, origin_of
from router.core.policy import Media

Fetch = Literal["nothing", "outside", "forbidden"]
"""The worst of a request's addresses. (Members of an Enum are hashed slowly, and each request's is.)"""
NOTHING: Final = "nothing"
"""None, or only own hosts."""
OUTSIDE: Final = "outside"
"""A public host, by https."""
FORBIDDEN: Final = "forbidden"
"""Anything else."""


def one_of_each(addresses: Iterable[str]) -> tuple[str, ...]:
    """The first address of each place, and of what is no place at all: all that `fetch_of` looks at. One that is too
    long to be read stays so."""
    first: dict[Origin | None, str] = {}
    for address in addresses:
        first.setdefault(origin_of(address), address)
    return tuple([address[: LONGEST + 1] for address in first.values()])


def fetch_of(addresses: Iterable[str], media: Media) -> Fetch:
    found: Fetch = NOTHING
    for address in addresses:
        place = origin_of(address)
        if place is None or place.scheme not in ("http", "https"):
            return FORBIDDEN
        if _is_own(place, media):
            continue
        if place.scheme != "https" or not is_public(place.host) or not _is_allowed(place, media):
            return FORBIDDEN
        found = OUTSIDE
    return found


def _is_own(place: Origin, media: Media) -> bool:
    """Named by the policy, as its own or as a host that nobody outside could have meant."""
    if any(_matches(place, entry) for entry in media.own_hosts):
        return True
    return not is_public(place.host) and any(_matches(place, entry) for entry in media.allow_hosts or ())


def _is_allowed(place: Origin, media: Media) -> bool:
    return media.allow_hosts is None or any(_matches(place, entry) for entry in media.allow_hosts)


def _matches(place: Origin, entry: str) -> bool:
    """`host`, `host:port`, `*.domain` for all below a domain."""
    wanted = _named_by(entry)
    if wanted is None or wanted.port not in (None, place.port or _PORTS[place.scheme]):
        return False
    if entry.startswith("*."):
        return place.host.endswith(f".{wanted.host}")
    return place.host == wanted.host


@lru_cache(maxsize=1024)
def _named_by(entry: str) -> Origin | None:
    return origin_of(f"https://{entry.removeprefix('*.')}")


_PORTS = {"http": 80, "https": 443}
_RESERVED = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa"),
    *("test", "invalid", "onion"),
)
"""Top-level domains that no public host has (RFC 6761, 6762, 8375, 9476, and what inner networks use)."""
_POINTERS = ("nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "vcap.me")
"""Domains below which every name resolves to the address that it spells, or to loopback."""
_NOT_PUBLIC = frozenset((*_RESERVED, *_POINTERS))
_BELOW = tuple([f".{domain}" for domain in (*_RESERVED, *_POINTERS)])
_INNER_V4 = [
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/3", "168.63.129.16/32"),
    )
]
"""Special-purpose addresses (RFC 6890 and its registry), and where Azure's machines find their host."""
_OUTER_V6 = IPv6Network("2000::/3")
_INNER_V6 = [IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
"""Of the global ones: protocols, documentation, and those that stand for another address of version 4."""


def is_public(host: str) -> bool:
    """Whether a host, as `Origin` has it, is one that anybody may ask: no inner address in any spelling."""
    try:
        address = ip_address(host)
    except ValueError:
        return _is_public_name(host)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _INNER_V4)
    return _is_public_v6(address)


def _is_public_v6(address: IPv6Address) -> bool:
    return address in _OUTER_V6 and not any(address in network for network in _INNER_V6)


def _is_public_name(host: str) -> bool:
    """A last label that begins with a digit makes it a number, in a spelling of old: 0x7f.1, 2130706433."""
    labels = host.split(".")
    if len(labels) < 2 or not all(labels) or "_" in host or not labels[-1][0].isalpha():
        return False
    return host not in _NOT_PUBLIC and not host.endswith(_BELOW)
