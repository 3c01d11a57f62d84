"""Cross-origin requests from browsers. Off is an object: the one for no origins answers nothing."""

from __future__ import annotations

from collections.abc import Mapping

from router.gateway.respond import header

_EXPOSED = (
    "x-request-id, x-breakeven-backend, x-breakeven-zone, x-breakeven-sensitivity, x-breakeven-reason, retry-after"
)
_METHODS = "GET, POST, OPTIONS"
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
        """Header lines for the answer to an OPTIONS request; empty when the origin is not allowed."""
        lines = self.lines(headers)
        if not lines:
            return b""
        asked = headers.get("access-control-request-headers", "authorization, content-type")
        return (
            lines
            + header("access-control-allow-methods", _METHODS)
            + header("access-control-allow-headers", asked)
            + header("access-control-max-age", _MAX_AGE)
        )
