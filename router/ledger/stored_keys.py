"""Client keys that live in the ledger: made, revoked and replaced while gateways run.

The hash `be:{ledger}:keys` maps the SHA-256 of a key to a JSON object: `entry` is what would stand under `keys` in a
policy, without the SHA-256. Every change also raises the version in the field `keys` of the shared hash, in one step,
so that workers see that there is something to read. The sorted set `be:{ledger}:keys:changes` has the version that each
key last changed with, so that they need not read thousands for one; the field `keys:changes` says from which version up
to which it is complete. It is a help only: who finds it incomplete reads all keys, in pieces.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from datetime import date, datetime, time, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from router.ledger.key_changes import Change, added_to, edited, ended, missing_of, outdated, replaced, revoked
from router.ledger.redis_keys import KEY_CHANGES_KEY, KEYS_KEY, SHARED_KEY, TIMEZONE_KEY
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, connected, refused_is_unavailable
from router.ledger.server.scan import scan_hash
from router.ledger.server.wire import pack
from router.ledger.stored_key import KeyProblem, StoredKey

VERSION_FIELD = "keys"
CHANGES_FIELD = "keys:changes"
CHANGES = 2000
"""That are remembered."""
MOST_CHANGED = 500
"""Keys that are read as changes; more are read as all are, in pieces."""
AT_ONCE = 500
"""Keys that one call writes or reads: that takes the server a millisecond."""
_TRIES = 20
_RESTLESS = "others keep changing keys at the same time; try again"

Around = Callable[[Sequence[Sequence[StoredKey]]], AbstractAsyncContextManager[None]]


class _Overtaken(Exception):
    """Keys are not as they were read any more."""


class StoredKeys:
    """The keys as one worker knows them, in the ledger's own form: a parsed key takes ten times the memory, and time of
    every garbage collection. Nothing is asked here, and `now` is the server's time."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        """As they should stand in the ledger, by SHA-256; what cannot be read is left as it is."""
        self.forgotten: list[StoredKey] = []
        """Whose revocation the server does not know any more."""
        self.unreadable = 0
        """Of those that were taken so far, until somebody sets it back."""
        self._revoked: dict[str, float] = {}
        self._expiring: dict[str, float] = {}

    def take(self, values: Mapping[str, bytes], now: float) -> tuple[list[StoredKey], list[str]]:
        """Of those that are new or changed: the ones that work, and SHA-256 of the others. An empty value is one that
        was removed."""
        working, ended = [], []
        for sha256, value in values.items():
            if self.values.get(sha256, b"") != value:
                key = self._take(sha256, value, now)
                if key is None:
                    ended.append(sha256)
                else:
                    working.append(key)
        return working, ended

    def _take(self, sha256: str, value: bytes, now: float) -> StoredKey | None:
        """The key, if it works."""
        self._expiring.pop(sha256, None)
        if not value:
            del self.values[sha256]
            self._revoked.pop(sha256, None)
            return None
        self.values[sha256] = value
        try:
            key = decoded(sha256, value)
        except ValueError:
            self.unreadable += 1
            return None
        if key.revoked is None and sha256 in self._revoked:
            key = replace(key, revoked=self._revoked[sha256])
            self.values[sha256] = msgspec.json.encode(key)
            self.forgotten.append(key)
        if key.revoked is not None:
            self._revoked[sha256] = key.revoked
        if not key.works(now):
            return None
        if key.expires is not None:
            self._expiring[sha256] = key.expires
        return key

    @property
    def next_expiry(self) -> float | None:
        return min(self._expiring.values(), default=None)

    def expire(self, now: float) -> list[str]:
        """SHA-256 of those that have come to their end, each once."""
        over = [sha256 for sha256, expires in self._expiring.items() if expires <= now]
        for sha256 in over:
            del self._expiring[sha256]
        return over


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

    async def end_of(self, day: date) -> float:
        """When a day is over, as the ledger counts days, in seconds since the epoch."""
        zone = ZoneInfo(await self.timezone())
        return datetime.combine(day + timedelta(days=1), time(), zone).timestamp()

    async def all(self) -> list[StoredKey]:
        """In the order in which they were made."""
        with refused_is_unavailable():
            return await read_keys(self._connection)

    async def add(self, sha256: str, entry: dict[str, Any], expires: float | None = None) -> StoredKey:
        """A new key. Its name must not be that of one that works."""
        (added,) = await self._change(lambda keys, now: [added_to(keys, now, sha256, entry, expires)])
        return added

    async def add_all(
        self, entries: Mapping[str, dict[str, Any]], part: int = AT_ONCE, around: Around = lambda _: nullcontext()
    ) -> list[StoredKey]:
        """New keys by SHA-256, `part` of them at once. What is stored already is passed over, so that it can be done
        again where it ended halfway.

        `around` is told the parts that are still to be written, and is entered for each while the first of those is:
        it fails where that part was not stored, also where it will be tried again.
        """
        made: list[StoredKey] = []
        for _ in range(_TRIES):
            version = await ask(self._connection, "HGET", SHARED_KEY, VERSION_FIELD) or b""
            keys, now = await self.all(), await self.now()
            missing = missing_of(keys, now, entries)
            parts = [missing[first : first + part] for first in range(0, len(missing), part)]
            try:
                for number, each in enumerate(parts):
                    async with around(parts[number:]):
                        version = await self._write(version, each)
                    made += each
            except _Overtaken:
                continue
            return made
        raise KeyProblem(_RESTLESS)

    async def _write(self, version: bytes, keys: Iterable[StoredKey]) -> bytes:
        """The version after it. Raises _Overtaken, and nothing is stored, where it is another one by now."""
        with refused_is_unavailable():
            written = await write_keys(self._connection, version, keys)
        if written is None:
            raise _Overtaken("others changed keys at the same moment")
        return written

    async def revoke(self, name: str) -> list[StoredKey]:
        """No key of this name works any more."""
        return await self._change(lambda keys, now: revoked(keys, now, name))

    async def edit(self, id: str, version: str, rights: Mapping[str, Any], expires: float | None) -> StoredKey:
        """Other rights for the key of this id. Raises KeyChanged where it is not the one that was read any more."""
        return (await self._change(lambda keys, now: edited(keys, now, id, version, rights, expires)))[0]

    async def end(self, id: str) -> list[StoredKey]:
        """The key of this id works no more, nor does what it replaced."""
        return await self._change(lambda keys, now: ended(keys, now, id))

    async def replace(self, id: str, sha256: str, grace: float = 0.0) -> StoredKey:
        """A new key in place of the one of this id, which works for `grace` more seconds."""
        return (await self._change(lambda keys, now: replaced(keys, now, id, sha256, grace)))[0]

    async def _change(self, change: Change) -> list[StoredKey]:
        for _ in range(_TRIES):
            version = await ask(self._connection, "HGET", SHARED_KEY, VERSION_FIELD)
            keys, now = await self.all(), await self.now()
            changed = change(keys, now)
            with refused_is_unavailable():
                written = await write_keys(self._connection, version or b"", changed, outdated(keys, now))
            if written:
                return changed
        raise KeyProblem(_RESTLESS)


@asynccontextmanager
async def open_keys(url: str, timeout: float = 5.0) -> AsyncIterator[KeyStore]:
    """Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    async with connected(url, timeout) as connection:
        yield KeyStore(connection)


def decoded(sha256: str, value: bytes) -> StoredKey:
    """Raises ValueError when it cannot be read."""
    return replace(_decode(value), sha256=sha256)


async def read_keys(connection: Connection) -> list[StoredKey]:
    """All that can be read, in the order in which they were made. Raises as `Connection.call`."""
    found = {}
    async for values in read_values(connection):
        for sha256, value in values.items():
            with suppress(ValueError):
                found[sha256] = decoded(sha256, value)
    return sorted(found.values(), key=lambda key: (key.created, key.name, key.sha256))


async def read_values(connection: Connection) -> AsyncIterator[Mapping[str, bytes]]:
    """All, by SHA-256, in pieces; what is there throughout comes at least once. Raises as `Connection.call`."""
    async for flat in scan_hash(connection, KEYS_KEY, AT_ONCE):
        yield _by_sha256(flat)


async def changed_values(connection: Connection, version: int) -> tuple[int, Mapping[str, bytes]] | None:
    """The version now, and what changed after `version`, by SHA-256: an empty value for what was removed. None where
    all have to be read to know. Raises as `Connection.call`."""
    keys = SHARED_KEY, KEYS_KEY, KEY_CHANGES_KEY
    answer = await connection.call("EVAL", _script("changed_keys.lua"), 3, *keys, version, MOST_CHANGED)
    return None if answer is None else (int(answer[0]), _by_sha256(answer[1:]))


def _by_sha256(flat: Sequence[bytes]) -> dict[str, bytes]:
    return {
        field.decode("ascii", "backslashreplace"): value for field, value in zip(flat[::2], flat[1::2], strict=True)
    }


async def write_keys(
    connection: Connection, version: bytes, changed: Iterable[StoredKey], gone: Iterable[StoredKey] = ()
) -> bytes | None:
    """The new version; None, and nothing is done, when it is another one by now. Raises as `Connection.call`."""
    words: list[str | bytes] = []
    for key in changed:
        words += (key.sha256, msgspec.json.encode(key))
    for key in gone:
        words += (key.sha256, b"")
    keys = SHARED_KEY, KEYS_KEY, KEY_CHANGES_KEY
    return await connection.call("EVAL", _script("entries.lua", "keys.lua"), 3, *keys, version, CHANGES, *words)  # type: ignore[no-any-return]


async def write_again(connection: Connection, values: Mapping[str, bytes]) -> None:
    """Keys that the server lost, but for those that it has: a version stands for all of them, so it comes last, and is
    one that nobody has read. Raises as `Connection.call`."""
    fields = list(values)
    for first in range(0, len(fields), AT_ONCE):
        lines = [pack("HSETNX", KEYS_KEY, field, values[field]) for field in fields[first : first + AT_ONCE]]
        await connection.run(b"".join(lines), ignore=len(lines) - 1)
    await connection.call("HDEL", SHARED_KEY, CHANGES_FIELD)
    version = await connection.call("HGET", SHARED_KEY, VERSION_FIELD)
    await write_keys(connection, version or b"", ())


def _script(*names: str) -> str:
    return "".join((resources.files("router.ledger.scripts") / name).read_text() for name in names)


async def read_time(connection: Connection) -> float:
    """The time of the server, in seconds since the epoch. Raises as `Connection.call`."""
    seconds, micros = await connection.call("TIME")
    return int(seconds) + int(micros) / 1e6
