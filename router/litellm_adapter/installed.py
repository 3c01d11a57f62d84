"""Whether the installed litellm may be imported. Looks at its metadata only: importing is what must be avoided."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

MALICIOUS = frozenset({"1.82.7", "1.82.8", "1.107.0"})
"""Releases that were published by an attacker."""


class UnusableError(Exception):
    """litellm is missing or must not be imported; the message says what to do."""


def installed_version() -> str | None:
    try:
        return version("litellm")
    except PackageNotFoundError:
        return None


def check_version(found: str | None) -> str:
    """The version, when it may be used. Raises UnusableError."""
    if found is None:
        raise UnusableError("backends of kind litellm need the litellm library: pip install 'breakeven[litellm]'")
    if found in MALICIOUS:
        raise UnusableError(
            f"litellm {found} is a known malicious release and is not imported. Treat every secret that this machine "
            "could read as leaked, remove the environment, and install anew: pip install 'breakeven[litellm]'"
        )
    return found
