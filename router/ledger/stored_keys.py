"""Client keys that live in the ledger: made, revoked and replaced while gateways run.

The hash `be:{ledger}:keys` maps the SHA-256 of a key to a JSON object: `entry` is what would stand under `keys` in a
policy, without the SHA-256. Every change also raises the version in the field `keys` of the shared hash, in one step,
so that workers see that there is something to read. The sorted set `be:{ledger}:keys:changes` has the version that each
key last changed with, so that they need not read thousands for one; the field `keys:changes` says from which version up
to which it is complete. It is a help only: who finds it incomplete reads all keys, in pieces.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import resources
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.ledger.redis_keys import KEY_CHANGES_KEY, KEYS_KEY, SHARED_KEY, TIMEZONE_KEY
from router.ledger.server.connection import Connection
from router.ledger.server.query import ask, connected, refused_is_unavailable
from router.ledger.server.scan import scan_hash
from router.ledger.server.wire import pack

VERSION_FIELD = "keys"
CHANGES_FIELD = "keys:changes"
KEPT_SECONDS = 90 * 86_400.0
"""How long a key that no longer works is still listed."""
CHANGES = 2000
"""That are remembered."""
MOST_CHANGED = 500
"""Keys that are read as changes; more are read as all are, in pieces."""
AT_ONCE = 500
"""Keys that one call writes or reads: that takes the server a millisecond."""
_TRIES = 20
_NAMES_SHOWN = 20
_RESTLESS = "others keep changing keys at the same time; try again"


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
            return await read_keys(self._connection)

    async def add(self, sha256: str, entry: dict[str, Any], expires: float | None = None) -> StoredKey:
        """A new key. Its name must not be that of one that works."""
        (added,) = await self._change(lambda keys, now: [added_to(keys, now, sha256, entry, expires)])
        return added

    async def add_all(self, entries: Mapping[str, dict[str, Any]]) -> list[StoredKey]:
        """New keys by SHA-256, in pieces. What is stored already is passed over, so that it can be done again where it
        ended halfway."""
        made: list[StoredKey] = []
        for _ in range(_TRIES):
            version = await ask(self._connection, "HGET", SHARED_KEY, VERSION_FIELD) or b""
            keys, now = await self.all(), await self.now()
            missing = missing_of(keys, now, entries)
            for first in range(0, len(missing), AT_ONCE):
                with refused_is_unavailable():
                    version = await write_keys(self._connection, version, missing[first : first + AT_ONCE])
                if version is None:
                    break
                made += missing[first : first + AT_ONCE]
            else:
                return made
        raise KeyProblem(_RESTLESS)

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
    return await connection.call("EVAL", _script("keys.lua"), 3, *keys, version, CHANGES, *words)  # type: ignore[no-any-return]


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


def _script(name: str) -> str:
    return (resources.files("router.ledger.scripts") / name).read_text()


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


def missing_of(keys: Sequence[StoredKey], now: float, entries: Mapping[str, dict[str, Any]]) -> list[StoredKey]:
    """Those that are not stored yet."""
    known = {key.sha256: key for key in keys}
    names = {key.name: key.sha256 for key in keys if key.works(now)}
    missing = []
    for sha256, entry in entries.items():
        name = str(entry["name"])
        stored = known.get(sha256)
        if stored is not None and not (stored.works(now) and stored.entry == entry):
            raise KeyProblem(
                f"the key of {name} is stored already, for {stored.name}, and may do something else or ended"
            )
        if names.setdefault(name, sha256) != sha256:
            raise KeyProblem(f"there is another key {name} already: each needs a name of its own")
        if stored is None:
            missing.append(StoredKey(sha256, entry, now))
    return missing


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
        names = _first_few(sorted({key.name for key in keys if key.works(now)}))
        raise KeyProblem(f"there is no stored key {name} that works (there are: {names}); see `breakeven key list`")
    return working


def _first_few(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return (", ".join(names[:_NAMES_SHOWN]) or "none") + (f" and {more} more" if more > 0 else "")
