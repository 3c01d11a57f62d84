"""Where a URL or a Host header points, read so strictly that no two readers can disagree about it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

LONGEST = 8192
"""Characters of a URL."""
_HOST = r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?"
_HEADER = re.compile(_HOST, re.IGNORECASE | re.ASCII)
# Only plain letters stand before the path; in it there may be any, but for those that readers strip or turn.
_URL = re.compile(rf"([a-z][a-z0-9+.-]*)://{_HOST}(?:[/?#][^\s\\\x00-\x1f\x7f]*)?", re.IGNORECASE | re.ASCII)


class Origin(NamedTuple):
    scheme: str
    host: str
    """In lower case, without brackets and without a dot at its end."""
    port: int | None


def origin_of(url: str) -> Origin | None:
    """None for what is no `scheme://host[:port]` with a path: a user's name in it, spaces, other alphabets, a path of
    a file, half an address."""
    found = _URL.fullmatch(url) if len(url) <= LONGEST else None
    if found is None:
        return None
    return Origin(found[1].lower(), plain_host(found[2]), int(found[3]) if found[3] else None)


def plain_host(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")


def host_name(header: str) -> str:
    """Of a Host header, without the port; empty when it is none."""
    found = _HEADER.fullmatch(header)
    return "" if found is None else plain_host(found[1])


def is_loopback(host: str) -> bool:
    """Whether it is this machine, by a name or number that nobody else can point here."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
