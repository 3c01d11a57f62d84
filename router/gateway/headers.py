"""Which headers pass, in each direction: those on these lists, and no other. docs/headers.md says so too.

What a client sends could carry a patient's name past the detectors, or spend on somebody else's account; what a
backend sends could speak for the gateway, or to the browser in its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from router.core.redaction import Secrets
from router.surfaces.headers import FROM_BACKEND, FROM_BACKEND_PREFIXES, QUERIES, TO_BACKEND
from router.upstream.connection import Headers

TO_CLIENT = FROM_BACKEND | {b"content-type", b"retry-after", b"retry-after-ms"}
TRACE = "traceparent"
UPSTREAM_ID = b"x-upstream-request-id"
_IDS = (b"x-request-id", b"request-id")

_VERSIONS = re.compile(r"[A-Za-z0-9][A-Za-z0-9,;=. _-]{0,255}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_ID = re.compile(rb"[!-~]{1,128}")


def to_backend(headers: Mapping[str, str], expected: Mapping[str, str]) -> bytes:
    """Complete header lines for any backend, with those that are `expected` where the client sends none. Detectors see
    their values, see `core.decision.facts`."""
    if expected:
        headers = {**expected, **headers}
    lines = b""
    for name in TO_BACKEND:
        value = headers.get(name)
        if value is not None and _VERSIONS.fullmatch(value):
            lines += f"{name}: {value}\r\n".encode("latin-1")
    return lines


def passed(query: str) -> str:
    """What goes behind the path at a backend, with its question mark; nothing where it could say something."""
    return f"?{query}" if query in QUERIES else ""


def to_own_backend(headers: Mapping[str, str]) -> bytes:
    """Complete header lines for own backends only, besides those of `to_backend`: a trace is nobody else's business."""
    value = headers.get(TRACE)
    if value is None or not _TRACEPARENT.fullmatch(value):
        return b""
    return f"{TRACE}: {value}\r\n".encode("latin-1")


def to_client(headers: Headers, request_id: str, secrets: Secrets) -> bytes:
    """Complete header lines for the client's answer, each name once: the request's id is ours, and the provider's
    travels beside it, for its support. A line that repeats one of `secrets`, backends' credentials, is left out."""
    lines = [b"x-request-id: %b\r\n" % request_id.encode()]
    seen = set()
    for name, value in headers:
        if name in TO_CLIENT or name.startswith(FROM_BACKEND_PREFIXES):
            if name not in seen:
                seen.add(name)
                lines.append(b"%b: %b\r\n" % (name, value))
        elif name in _IDS and UPSTREAM_ID not in seen and _ID.fullmatch(value):
            seen.add(UPSTREAM_ID)
            lines.append(b"%b: %b\r\n" % (UPSTREAM_ID, value))
    told = b"".join(lines)
    if secrets.held_in(told):
        return b"".join(line for line in lines if not secrets.held_in(line))
    return told
