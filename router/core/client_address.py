"""Where a request comes from, when proxies stand between. What a header says counts only as far as who wrote it is
trusted: each proxy adds, at the right, the address that it was asked from."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def network_of(text: str) -> Network:
    """`10.0.0.7`, `10.0.0.0/8` or the same of IPv6. Raises ValueError."""
    try:
        return ip_network(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no address and no network, such as 10.0.0.7 or 10.0.0.0/8") from None


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """`peer` is who connected, `forwarded` the value of X-Forwarded-For: of all that it names, the first from the right
    that is no trusted proxy. Whatever stands left of it anybody may have written."""
    address = peer
    for hop in reversed(forwarded.split(",")):
        parsed = _address(address)
        if parsed is None or not any(parsed in network for network in trusted):
            break
        named = _address(hop)
        if named is None:
            break
        address = str(named)
    return address


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
