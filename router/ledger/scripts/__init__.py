"""The Lua that runs in the server."""

from __future__ import annotations

import hashlib
from importlib import resources

from msgspec import Struct
from msgspec.structs import fields

from router.ledger.record import FIELDS, VERSION, Record
from router.ledger.redis_keys import PREFIX, VOLUME_KEY
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
    source = held_record() + (folder / "common.lua").read_text() + (folder / f"{name}.lua").read_text()
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


def held_record() -> str:
    """Lua: packs the record of a hold from a table with the fields that a hold fills; the others are empty."""
    empty = {field.name: field.default for field in fields(Record)} | {"version": VERSION}
    values = [f"of.{name}" if field.held else _lua(empty[name]) for name, field in FIELDS.items()]
    return f"local function held_record(of) return cmsgpack.pack({{{', '.join(values)}}}) end\n"


def _lua(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return f"'{value}'"
        case _:
            return "{}"
