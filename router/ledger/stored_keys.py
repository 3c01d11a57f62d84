"""Client keys that live in the ledger: made, revoked and replaced while gateways run.

The hash `be:{ledger}:keys` maps the SHA-256 of a key to a JSON object: `entry` is what would stand under `keys` in a
policy, without the SHA-256. Every change also raises the version in the field `keys` of the shared hash, in one step,
so that workers see that there is something to read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.ledger.redis_keys import KEYS_KEY, SHARED_KEY, TIMEZONE_KEY
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, connected, refused_is_unavailable

VERSION_FIELD = "keys"
KEPT_SECONDS = 90 * 86_400.0
"""How long a key that no longer works is still listed."""
_TRIES = 20


class KeyProblem(Exception):
    """The change cannot be made; the text says why and what to do."""


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
    def ends(self) -> float | None:
        """When it stops working, or stopped; None for never."""
        ends = [end for end in (self.expires, self.revoked) if end is not None]
        return min(ends, default=None)

    def works(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


T = TypeVar("T")
Change = Callable[[Sequence[StoredKey], float], list[StoredKey]]
"""All keys and the time -> the keys that are new or changed. Raises KeyProblem."""

_decode = msgspec.json.Decoder(StoredKey).decode


class KeyStore:
    """Every method raises `LedgerUnavailable`, and those that change something raise `KeyProblem`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def now(self) -> float:
        with refused_is_unavailable():
            return await read_time(self._connection)

    async def timezone(self) -> str:
        """Name of the time zone that the ledger counts days in."""
        name = await ask(self._connection, "GET", TIMEZONE_KEY)
        return "UTC" if name is None else name.decode()

    async def all(self) -> list[StoredKey]:
        """In the order in which they were made."""
        with refused_is_unavailable():
            keys, _ = await read_keys(self._connection)
        return sorted(keys, key=lambda key: (key.created, key.name, key.sha256))

    async def add(self, sha256: str, entry: dict[str, Any], expires: float | None = None) -> StoredKey:
        """A new key. Its name must not be that of one that works."""
        (added,) = await self._change(lambda keys, now: [added_to(keys, now, sha256, entry, expires)])
        return added

    async def revoke(self, name: str) -> list[StoredKey]:
        """No key of this name works any more."""
        return await self._change(lambda keys, now: revoked(keys, now, name))

    async def rotate(self, name: str, sha256: str, grace: float = 0.0) -> StoredKey:
        """A new key in place of the one of this name, which works for `grace` more seconds."""
        return (await self._change(lambda keys, now: rotated(keys, now, name, sha256, grace)))[0]

    async def _change(self, change: Change) -> list[StoredKey]:
        for _ in range(_TRIES):
            version = await ask(self._connection, "HGET", SHARED_KEY, VERSION_FIELD)
            keys, now = await self.all(), await self.now()
            changed = change(keys, now)
            with refused_is_unavailable():
                written = await write_keys(self._connection, version or b"", changed, outdated(keys, now))
            if written:
                return changed
        raise KeyProblem("others keep changing keys at the same time; try again")


@asynccontextmanager
async def open_keys(url: str, timeout: float = 5.0) -> AsyncIterator[KeyStore]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout) as connection:
        yield KeyStore(connection)


async def read_keys(connection: Connection) -> tuple[list[StoredKey], int]:
    """The keys, and how many entries are there that cannot be read. Raises as `Connection.call`."""
    flat = await connection.call("HGETALL", KEYS_KEY)
    keys, unreadable = [], 0
    for field, value in zip(flat[::2], flat[1::2], strict=True):
        try:
            keys.append(replace(_decode(value), sha256=field.decode()))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            unreadable += 1
    return keys, unreadable


async def write_keys(
    connection: Connection, version: bytes, changed: Iterable[StoredKey], gone: Iterable[StoredKey] = ()
) -> bool:
    """Whether it was done: not when the version is another one by now. Raises as `Connection.call`."""
    script = (resources.files("router.ledger.scripts") / "keys.lua").read_text()
    words: list[str | bytes] = []
    for key in changed:
        words += (key.sha256, msgspec.json.encode(key))
    for key in gone:
        words += (key.sha256, b"")
    return bool(await connection.call("EVAL", script, 2, SHARED_KEY, KEYS_KEY, version, *words))


async def read_time(connection: Connection) -> float:
    """The time of the server, in seconds since the epoch. Raises as `Connection.call`."""
    seconds, micros = await connection.call("TIME")
    return int(seconds) + int(micros) / 1e6


# --- what a change does


def added_to(
    keys: Sequence[StoredKey], now: float, sha256: str, entry: dict[str, Any], expires: float | None
) -> StoredKey:
    name = str(entry["name"])
    if any(key.name == name and key.works(now) for key in keys):
        raise KeyProblem(
            f"there is a stored key {name} already: `breakeven key rotate {name}` replaces it, "
            f"`breakeven key revoke {name}` ends it"
        )
    if expires is not None and expires <= now:
        raise KeyProblem("it would have expired already: give a later time with --expires")
    return StoredKey(sha256, entry, now, expires)


def revoked(keys: Sequence[StoredKey], now: float, name: str) -> list[StoredKey]:
    return [replace(key, revoked=now) for key in _working(keys, now, name)]


def rotated(keys: Sequence[StoredKey], now: float, name: str, sha256: str, grace: float) -> list[StoredKey]:
    """The new key first. What was replaced before ends as it was to end."""
    working = _working(keys, now, name)
    current = next((key for key in working if not key.replaced_by), None)
    if current is None:
        raise KeyProblem(f"the stored key {name} was replaced already and the new one does not work: make another one")
    ends = now + grace if current.expires is None else min(current.expires, now + grace)
    replaced = replace(current, replaced_by=sha256, **({"expires": ends} if grace > 0 else {"revoked": now}))
    return [StoredKey(sha256, current.entry, now, current.expires), replaced]


def outdated(keys: Iterable[StoredKey], now: float) -> list[StoredKey]:
    """Those that have not worked for so long that nobody needs to see them."""
    return [key for key in keys if key.ends is not None and key.ends + KEPT_SECONDS < now]


def _working(keys: Sequence[StoredKey], now: float, name: str) -> list[StoredKey]:
    working = [key for key in keys if key.name == name and key.works(now)]
    if not working:
        names = ", ".join(sorted({key.name for key in keys if key.works(now)})) or "none"
        raise KeyProblem(f"there is no stored key {name} that works (there are: {names}); see `breakeven key list`")
    return working
