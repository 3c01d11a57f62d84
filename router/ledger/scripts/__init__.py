"""The Lua that runs in the server."""

from __future__ import annotations

import hashlib
from importlib import resources

from msgspec import Struct

from router.ledger.redis_keys import PREFIX, VOLUME_KEY
from router.ledger.scripts.prelude import prelude
from router.ledger.server.wire import pack


class Script(Struct, frozen=True):
    source: str
    sha: str

    def load(self) -> bytes:
        """The command that stores the script in the server."""
        return pack("SCRIPT", "LOAD", self.source)

    def run(self, payload: bytes) -> bytes:
        """The command that runs it."""
        return pack("EVALSHA", self.sha, "1", VOLUME_KEY, PREFIX, payload)


class Scripts(Struct, frozen=True):
    open: Script
    """Begins or goes on with the books, and a new term of the writer."""
    commit: Script
    """A batch whose holds are expected to be there: a few calls, whatever its size."""
    each: Script
    """The same, operation by operation, when they are not."""
    expire: Script
    """Charges the holds of past leases."""
    again: Script
    """Holds running requests again, and no others, after the server lost writes."""
    upgrade: Script
    """Brings the cells of a day from an earlier layout to this one."""


def read_scripts() -> Scripts:
    return Scripts(*map(_read, Scripts.__struct_fields__))


def _read(name: str) -> Script:
    folder = resources.files("router.ledger.scripts")
    source = prelude() + (folder / "common.lua").read_text() + (folder / f"{name}.lua").read_text()
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
