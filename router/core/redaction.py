"""Our credentials, taken out of what backends say."""

from __future__ import annotations

import re

_BEARER = re.compile(rb"(?i)(bearer(?:\s|%20|\\[nrt])+)[^\s\"'\\,;<>]{6,}")
_HIDDEN = b"[secret]"
_SHORTEST = 6
"""Bytes of a credential: a shorter one hides nothing, and would be found in any text."""


def without_secrets(body: bytes, secret: str) -> bytes:
    """Bytes of a backend's with the credential that was sent to it, and whatever is called a bearer's, taken out."""
    if holds_secret(body, secret):
        body = body.replace(_word(secret), _HIDDEN)
    return _BEARER.sub(rb"\1" + _HIDDEN, body)


def holds_secret(data: bytes, secret: str) -> bool:
    """Whether bytes of a backend's repeat the credential that was sent to it."""
    word = _word(secret)
    return len(word) >= _SHORTEST and word in data


def _word(secret: str) -> bytes:
    """Of an authorization header, what is secret."""
    return secret.rpartition(" ")[2].encode()
