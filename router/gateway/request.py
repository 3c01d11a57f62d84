"""One request as it came, read to its end."""

from __future__ import annotations

from msgspec import Struct


class Request(Struct, gc=False):
    """`headers` has lower-case names; repeated ones are joined by a comma, except credentials, see `identify`."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool
    http10: bool
    credentials: int = 0
    """How many authorization and x-api-key headers there were."""
    id: str = ""
    """Given by the service, for logs and answers."""
    warnings: bytes = b""
    """Header lines that tell of soft limits."""
    common: bytes = b""
    """Given by the service: header lines of every answer to it, such as those of CORS."""
