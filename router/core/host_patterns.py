"""Hosts, as a policy names them, and which of them a destination is.

A pattern is `name`, `name:port`, or either with `*` in place of labels: `*.example.com` is every name with exactly one
more label, as in certificates. Without a port it stands for all ports of that host. IPv6 addresses stand in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def split_host(pattern: str) -> tuple[str, int | None]:
    """Name, in small letters and without brackets, and port; None when the pattern names no port."""
    name, _, port = pattern.rpartition(":")
    if not name or "]" in port:
        name, port = pattern, ""
    return normal(name), int(port) if port else None


def normal(name: str) -> str:
    """A host's name as it is compared."""
    return name.strip("[]").rstrip(".").lower()


def permits(patterns: Iterable[str], name: str, port: int | None) -> bool:
    """Whether one of the patterns stands for this host and port; any port will do where `port` is None."""
    return any(_matches(pattern, normal(name), port) for pattern in patterns)


def covers(patterns: Iterable[str], pattern: str) -> bool:
    """Whether everything that `pattern` stands for is permitted by one of `patterns`."""
    name, port = split_host(pattern)
    known = [split_host(each) for each in patterns]
    if "*" not in name and port is not None:
        return permits(patterns, name, port)
    return any(each == name and (number is None or number == port) for each, number in known)


def _matches(pattern: str, name: str, port: int | None) -> bool:
    wanted, number = split_host(pattern)
    if port is not None and number is not None and number != port:
        return False
    if "*" not in wanted:
        return wanted == name
    return re.fullmatch(re.escape(wanted).replace(r"\*", r"[^.]+"), name) is not None
