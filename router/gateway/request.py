"""One request as it came, read to its end."""

from __future__ import annotations

from typing import Final


class Request:
    """`headers` has lower-case names; repeated ones are joined by a comma, except credentials, see `identify`."""

    __slots__ = (
        "body",
        "common",
        "credentials",
        "headers",
        "http10",
        "id",
        "keep_alive",
        "method",
        "path",
        "query",
        "warnings",
    )

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        keep_alive: bool,
        http10: bool,
        credentials: int = 0,
    ) -> None:
        self.method: Final = method
        self.path: Final = path
        self.query: Final = query
        self.headers: Final = headers
        self.body: Final = body
        self.keep_alive = keep_alive
        self.http10: Final = http10
        self.credentials: Final = credentials
        """How many authorization and x-api-key headers there were."""
        self.id = ""
        """Given by the service, for logs and answers."""
        self.warnings = b""
        """Header lines that tell of soft limits."""
        self.common = b""
        """Given by the service: header lines of every answer to it, such as those of CORS."""
