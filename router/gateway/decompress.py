"""Compressed request bodies: vLLM refuses them, so they are inflated here, within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from router.gateway.errors import ApiError

MOST_RATIO = 100
"""A body may inflate to so many times its size; JSON that people send stays below 30."""
ALWAYS_FINE = 1024 * 1024
"""Bytes that any body may inflate to."""
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def encoding_of(headers: Mapping[str, str]) -> str:
    """How the body is compressed; empty when it is not. Raises ApiError 415."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in ("identity", ""):
        return ""
    if encoding not in _WINDOW_BITS:
        raise ApiError(
            415, "unsupported_encoding", f"Content-Encoding {encoding[:40]!r} is not supported; use gzip or none."
        )
    return encoding


def inflate_short(body: bytes, encoding: str, most: int) -> bytes | None:
    """The body as plain bytes if it has at most `most` of them, else None. Raises ApiError 400."""
    plain, ended = _inflated(body, encoding, most)
    if len(plain) > most:
        return None
    return _whole(plain, encoding, ended)


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The body as plain bytes, at most `limit` long. Raises ApiError 400 or 413."""
    allowed = min(limit, max(ALWAYS_FINE, MOST_RATIO * len(body)))
    plain, ended = _inflated(body, encoding, allowed)
    if len(plain) > limit:
        raise ApiError(413, "request_too_large", f"The inflated request is larger than {limit:,} bytes.")
    if len(plain) > allowed:
        message = f"The request inflates to more than {MOST_RATIO} times its size. Send it without compression."
        raise ApiError(413, "request_too_large", message)
    return _whole(plain, encoding, ended)


def _inflated(body: bytes, encoding: str, most: int) -> tuple[bytes, bool]:
    """One byte more than `most` if there are more; and whether the stream ended."""
    inflater = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        plain = inflater.decompress(body, most + 1)
    except zlib.error:
        raise ApiError(400, "malformed_body", f"The body is not valid {encoding}.") from None
    if inflater.unused_data:  # the client meant it to be read, and nobody would
        raise ApiError(
            400, "malformed_body", f"Something follows the {encoding} body: send it as one {encoding} stream."
        )
    return plain, inflater.eof


def _whole(plain: bytes, encoding: str, ended: bool) -> bytes:
    if not ended:
        raise ApiError(400, "malformed_body", f"The {encoding} body is truncated.")
    return plain
