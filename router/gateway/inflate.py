"""Compressed request bodies: vLLM refuses them, so they are inflated here, within bounds."""

from __future__ import annotations

import zlib

from router.gateway.errors import ApiError
from router.gateway.request import Request

_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def inflate(request: Request, limit: int) -> bytes:
    """The body as plain bytes, at most `limit` long. Raises ApiError 400, 413 or 415."""
    if "content-encoding" not in request.headers:
        return request.body
    encoding = request.headers["content-encoding"].strip().lower()
    if encoding in ("identity", ""):
        return request.body
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise ApiError(
            415, "unsupported_encoding", f"Content-Encoding {encoding[:40]!r} is not supported; use gzip or none."
        )
    inflater = zlib.decompressobj(bits)
    try:
        body = inflater.decompress(request.body, limit + 1)
    except zlib.error:
        raise ApiError(400, "malformed_body", f"The body is not valid {encoding}.") from None
    if len(body) > limit:
        raise ApiError(413, "request_too_large", f"The inflated request is larger than {limit:,} bytes.")
    if not inflater.eof:
        raise ApiError(400, "malformed_body", f"The {encoding} body is truncated.")
    return body
