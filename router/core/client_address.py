"""Where a request comes from, when proxies stand between. What a header says counts only as far as who wrote it is
trusted: each proxy adds, at the right, the address that it was asked from.

Proxies write X-Forwarded-For or Forwarded (RFC 7239), and most pass the other one on as a client sent it. So where both
are there and lead to different addresses, one of them may be the client's own, and neither counts. Where it was said
which one the proxy writes, only that is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from msgspec import Struct

Network = IPv4Network | IPv6Network
ProxyHeader = Literal["x-forwarded-for", "forwarded"]

LONGEST_ELEMENT = 1000
"""Characters of what one proxy adds to Forwarded."""
_TOKEN = r"[\w!#$%&'*+.^`|~-]+"  # noqa: S105
_PAIR = rf"""({_TOKEN})=(?:({_TOKEN})|"((?:[^"\\]|\\.)*+)")"""
_PAIRS = re.compile(_PAIR, re.ASCII)
_ELEMENT = re.compile(rf"\s*{_PAIR}(?:\s*;\s*{_PAIR})*\s*", re.ASCII)


class TrustedProxies(Struct, frozen=True):
    """Those whose word counts, and the header that they write; None: either."""

    networks: tuple[Network, ...] = ()
    header: ProxyHeader | None = None


def network_of(text: str) -> Network:
    """`10.0.0.7`, `10.0.0.0/8` or the same of IPv6. Raises ValueError."""
    try:
        return ip_network(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no address and no network, such as 10.0.0.7 or 10.0.0.0/8") from None


def client_address(peer: str, x_forwarded_for: str, forwarded: str, proxies: TrustedProxies) -> str:
    """`peer` is who connected; of the headers, whose values are empty where they are not there, the first address from
    the right that is no trusted proxy's. Whatever stands left of it anybody may have written."""
    said: dict[str, str] = {"x-forwarded-for": x_forwarded_for, "forwarded": forwarded}
    names = [name for name in said if said[name].strip()] if proxies.header is None else [proxies.header]
    found = {_first_untrusted(peer, _HOPS[name](said[name]), proxies.networks) for name in names}
    return found.pop() if len(found) == 1 else peer


def _first_untrusted(peer: str, hops: Iterable[str], trusted: Sequence[Network]) -> str:
    address = peer
    for hop in hops:
        parsed = _address(address)
        if parsed is None or not any(parsed in network for network in trusted):
            break
        named = _address(hop)
        if named is None:
            break
        address = str(named)
    return address


def _listed(value: str) -> Iterator[str]:
    """What X-Forwarded-For names, from the right."""
    return reversed(value.split(","))


def _elements(value: str) -> Iterator[str]:
    """What Forwarded names, from the right, as far as it can be read.

    Quotes may hold commas, and somebody may have left one open at the left: an element begins behind the rightmost
    comma from which it can be read.
    """
    end = len(value)
    while (begin := _begin(value, end)) is not None:
        yield _named(value[begin:end])
        end = begin - 1


def _begin(value: str, end: int) -> int | None:
    """Of the element that ends there; None where none can be read."""
    begin = end + 1
    while begin > 0:
        begin = value.rfind(",", 0, begin - 1) + 1
        if end - begin > LONGEST_ELEMENT:
            break
        if _ELEMENT.fullmatch(value, begin, end):
            return begin
    return None


def _named(element: str) -> str:
    """Empty where it names nobody, or two."""
    named = [token or quoted for name, token, quoted in _PAIRS.findall(element) if name.lower() == "for"]
    return named[0] if len(named) == 1 else ""


_HOPS = {"x-forwarded-for": _listed, "forwarded": _elements}


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Also with a port, as some proxies write it. One of IPv4 in the form of IPv6 is one of IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
