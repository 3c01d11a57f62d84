"""One client key as the ledger keeps it: what it may do, and from when until when it works."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct

from router.core.audit.entry import iso

KeyState = Literal["active", "ending", "replaced", "expired", "revoked"]
"""`ending`: it was replaced, and works for its grace. The last three are why one does not work."""
DIGITS = 8
"""Of a SHA-256, enough for people to tell keys apart."""
ID_DIGITS = 16
"""Of a SHA-256, enough for programs."""


class KeyProblem(Exception):
    """The change cannot be made; the text says why and what to do."""


class KeyChanged(KeyProblem):
    """Somebody else changed the key since it was read."""

    def __init__(self, text: str, version: str) -> None:
        super().__init__(text)
        self.version = version
        """That it is now."""


class StoredKey(Struct, frozen=True):
    """Times are seconds since the epoch, by the clock of the ledger's server."""

    sha256: str
    entry: dict[str, Any]
    """As under `keys` in a policy, without the SHA-256."""
    created: float
    expires: float | None = None
    revoked: float | None = None
    replaced_by: str = ""
    """SHA-256 of the key that took its place."""

    @property
    def name(self) -> str:
        return str(self.entry.get("name", ""))

    @property
    def team(self) -> str:
        return str(self.entry.get("team", "default"))

    @property
    def id(self) -> str:
        """By which people and programs name it: the beginning of its SHA-256."""
        return self.sha256[:ID_DIGITS]

    @property
    def version(self) -> str:
        """Another one after every change."""
        return sha256(msgspec.json.encode(self)).hexdigest()[:ID_DIGITS]

    @property
    def ends(self) -> float | None:
        """When it stops working, or stopped; None for never."""
        ends = [end for end in (self.expires, self.revoked) if end is not None]
        return min(ends, default=None)

    def works(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)

    def state(self, now: float) -> KeyState:
        if self.works(now):
            return "ending" if self.replaced_by else "active"
        if self.replaced_by:
            return "replaced"
        return "expired" if self.revoked is None else "revoked"

    @property
    def described(self) -> dict[str, Any]:
        return described(self.sha256, self.entry, self.expires)


def described(sha256: str, entry: Mapping[str, Any], expires: float | None) -> dict[str, Any]:
    """For the audit: what it may do, and the first digits of its hash to tell it from others of its name."""
    ends = {} if expires is None else {"expires": iso(expires)}
    return {"key": sha256[:DIGITS], **{name: value for name, value in entry.items() if name != "name"}, **ends}
