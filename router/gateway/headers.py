"""Which headers pass, in each direction.

To a backend only headers on a list pass: an arbitrary header could carry a patient's name past the detectors.
To the client everything passes but what belongs to the other connection, and cookies.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.upstream.connection import Headers

_PASSED = frozenset({"accept", "idempotency-key", "traceparent", "tracestate", "user-agent"})
_PASSED_PREFIXES = ("openai-", "anthropic-", "x-stainless-")
_DROPPED = frozenset(
    {
        b"connection",
        b"content-length",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"set-cookie",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"alt-svc",
    }
)


def to_backend(headers: Mapping[str, str]) -> bytes:
    """Complete header lines for the upstream request."""
    lines = [
        f"{name}: {value}\r\n"
        for name, value in headers.items()
        if name in _PASSED or name.startswith(_PASSED_PREFIXES)
    ]
    return "".join(lines).encode("latin-1")


def to_client(headers: Headers, request_id: str) -> bytes:
    """Complete header lines for the client's response. The provider's own request id is kept, for its support."""
    lines = [b"%b: %b\r\n" % (name, value) for name, value in headers if name not in _DROPPED]
    for name, _ in headers:
        if name == b"x-request-id":
            break
    else:
        lines.append(b"x-request-id: %b\r\n" % request_id.encode())
    return b"".join(lines)
