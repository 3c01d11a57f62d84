"""One request as it came."""

from __future__ import annotations

from typing import Final

from router.core.values import KeyGrant
from router.gateway.errors import ApiError
from router.surfaces.base import Surface


class Request:
    """`headers` has lower-case names; repeated ones are joined by a comma, except credentials, see `identify`."""

    __slots__ = (
        "body",
        "common",
        "credentials",
        "headers",
        "held",
        "http10",
        "id",
        "keep_alive",
        "key",
        "keyring",
        "method",
        "path",
        "query",
        "refusal",
        "surface",
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
        self.path = path
        """In its plain spelling, once it was looked at and was none of the paths there are."""
        self.query: Final = query
        self.headers: Final = headers
        self.body = body
        """Empty until it has been read to its end."""
        self.held = 0
        """Bytes of it that are counted in `Held`."""
        self.keep_alive = keep_alive
        self.http10: Final = http10
        self.credentials: Final = credentials
        """How many authorization and x-api-key headers there were."""
        self.key: KeyGrant | None = None
        """Whose it is, once that was looked at, which is before its body is read; and by which keyring."""
        self.keyring: object = None
        self.refusal: ApiError | None = None
        """Why it is not handled; it is answered in its turn all the same."""
        self.surface: Surface | None = None
        """What its path says that it speaks; None for all that no backend answers."""
        self.id = ""
        """Given by the service, for logs and answers."""
        self.warnings = b""
        """Header lines that tell of soft limits."""
        self.common = b""
        """Given by the service: header lines of every answer to it, such as those of CORS."""
