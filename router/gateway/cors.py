"""Cross-origin requests from browsers. Off is an object: the one for no origins answers nothing.

A browser takes each of these lines once or not at all: two equal ones are an error to it. So every answer has `lines`,
and that to a preflight has `preflight` besides.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.gateway.headers import TO_CLIENT, UPSTREAM_ID
from router.gateway.response_lines import header
from router.surfaces.headers import FROM_BACKEND_COMMON

_OURS = (
    "x-request-id",
    "x-breakeven-backend",
    "x-breakeven-budget",
    "x-breakeven-reason",
    "x-breakeven-sensitivity",
    "x-breakeven-zone",
    "x-should-retry",
)
EXPOSED = (*_OURS, *sorted(name.decode() for name in {*TO_CLIENT, UPSTREAM_ID}), *FROM_BACKEND_COMMON)
"""What a page may read of an answer: all that its SDK looks at, and all that we say."""
_EXPOSED = ", ".join(EXPOSED)
_METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
_MAX_AGE = "600"


class Cors:
    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins)

    @property
    def enabled(self) -> bool:
        return bool(self._origins)

    def lines(self, headers: Mapping[str, str]) -> bytes:
        """Header lines for any answer to a request from an allowed origin."""
        origin = headers.get("origin")
        if origin is None or not (origin in self._origins or "*" in self._origins):
            return b""
        allowed = "*" if "*" in self._origins else origin
        vary = b"" if allowed == "*" else b"vary: origin\r\n"
        return header("access-control-allow-origin", allowed) + vary + header("access-control-expose-headers", _EXPOSED)

    def preflight(self, headers: Mapping[str, str]) -> bytes:
        """More header lines for the answer to an OPTIONS request; empty when the origin is not allowed."""
        if not self.lines(headers):
            return b""
        asked = headers.get("access-control-request-headers", "authorization, content-type")  # x-stainless-*, too
        return (
            header("access-control-allow-methods", _METHODS)
            + header("access-control-allow-headers", asked)
            + header("access-control-max-age", _MAX_AGE)
        )
