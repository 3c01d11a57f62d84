"""What workers tell each other through the ledger's server, besides the books.

One small hash, `be:{ledger}:shared`, which every worker reads twice a second::

    keys                        version of the stored keys, see `ledger.stored_keys`
    teams                       version of the stored teams, see `ledger.stored_teams`
    breaker|<replica's name>    packed `Opening`: a circuit opened, let the replica rest
    worker|<id>                 packed `WorkerStatus`, written once a second
    power|<backend>             packed `PowerState`, written by the controller of the backends' units
    price                       packed (when, micro-USD per token) of the last day's traffic, see `power.traffic_price`
    unlisted                    packed (when, {backend: names that the policy has it serve, and it does not list})
    wake|<backend>              when a request last waited that only this backend may serve, and that is off

It is polled: that works alike on one server, behind Sentinel and on a cluster, and heals by itself. Whoever sees
what is out of date removes it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import hiredis
import msgspec

from router.core.resilience.backoff import backoff
from router.core.resilience.worker_status import (
    POWER_SECONDS,
    STALE_SECONDS,
    Opening,
    PowerState,
    WorkerStatus,
    is_silent,
    is_stale,
)
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import SHARED_KEY
from router.ledger.server.address import parse_address
from router.ledger.server.connection import Connection, connect
from router.ledger.server.query import connected, refused_is_unavailable
from router.ledger.server.wire import pack
from router.ledger.stored_key import StoredKey
from router.ledger.stored_keys import (
    VERSION_FIELD,
    StoredKeys,
    changed_values,
    read_time,
    read_values,
    write_again,
    write_keys,
)
from router.ledger.stored_teams import VERSION_FIELD as TEAMS_FIELD
from router.ledger.stored_teams import FollowedTeams

POLL_SECONDS = 0.5
STATUS_SECONDS = 1.0
FRESH_SECONDS = 3.0
"""How old a reading of the keys may be before unknown ones are not called wrong."""
BREAKER, WORKER, POWER, WAKE = b"breaker|", b"worker|", b"power|", b"wake|"
PRICE = b"price"
PRICE_SECONDS = 600.0
"""How old a price of the traffic may be."""
UNLISTED = b"unlisted"
UNLISTED_SECONDS = 600.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.1, 2.0
_LONGEST_TIMER = 3600.0
KEYS_AT_ONCE = 100
"""Stored keys that are looked at before requests have their turn: about a millisecond's work."""
_MOST_NAMES = 20

T = TypeVar("T")
_encode = msgspec.msgpack.encode
_opening = msgspec.msgpack.Decoder(Opening)
_status = msgspec.msgpack.Decoder(WorkerStatus)
_power = msgspec.msgpack.Decoder(PowerState)
_unlisted = msgspec.msgpack.Decoder(tuple[float, dict[str, tuple[str, ...]]])
_price = msgspec.msgpack.Decoder(tuple[float, float])

_log = logging.getLogger("breakeven.shared")


class Listener(Protocol):
    """A worker, as `SharedStatus` sees it."""

    def report(self) -> WorkerStatus:
        """What the others should know of this worker."""

    def looked(self) -> None:
        """The others were read anew: see `openings`, `statuses` and `powers` of `SharedStatus`."""

    def lost(self) -> None:
        """The server was asked once more, and cannot be reached."""

    def keys_read(self, working: Sequence[StoredKey], ended: Sequence[str]) -> None:
        """Some stored keys that are new or changed and work, and SHA-256 of some that do not work, or not any more.
        `keys_changed` follows once there are no more."""

    def keys_changed(self) -> None:
        """All that `keys_read` told since the last time is to count."""

    def teams_read(self, budgets: Mapping[str, Mapping[str, Any]]) -> None:
        """Budgets of all stored teams, by name, as under `teams` in a policy: there are others than before."""


class SharedStatus:
    """One worker's side of it, on a connection of its own.

    `available` and `why` say whether the server is reached now. `openings` are those of other workers, by the
    replica's name; `statuses` those of other workers, by id; `powers` is what the controller says, by backend;
    `cloud_price` see `core.values.Snapshot`; `unlisted` are models that the policy has backends serve and that these do
    not list, by backend. What was known stays known while it is lost, but what the controller said,
    which is old soon.
    """

    def __init__(self, url: str, *, timeout: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        """Raises ValueError for a URL that cannot be used; the text has no secrets."""
        self.id = secrets.token_hex(4)
        self.available = False
        self.why = "not connected yet"
        self.openings: Mapping[str, Opening] = {}
        self.statuses: Mapping[str, WorkerStatus] = {}
        self.powers: Mapping[str, PowerState] = {}
        self.cloud_price: float | None = None
        self.unlisted: Mapping[str, tuple[str, ...]] = {}
        self.keys_version = 0
        self._address = parse_address(url)
        self._timeout = timeout
        self._clock = clock
        self._offset: float | None = None
        self._connection: Connection | None = None
        self._untold: dict[str, Opening] = {}
        self._wanted: set[str] = set()
        self._told = self._keys_read = self._read = float("-inf")
        self._failures = 0
        self._keys = StoredKeys()
        self._keys_from: Connection | None = None
        self._teams = FollowedTeams()
        self._expiry: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, listener: Listener) -> None:
        """Reads once, or gives up at first and goes on in the background."""
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        pause = await self._turn()
        self._task = asyncio.create_task(self._go_on(pause))

    async def close(self) -> None:
        """Takes leave of the others, if the server answers, and disconnects."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._expiry is not None:
            self._expiry.cancel()
        if self._connection is not None:
            try:
                await self._connection.call("HDEL", SHARED_KEY, WORKER + self.id.encode())
            except (LedgerUnavailable, hiredis.ReplyError):
                pass  # it goes when it is stale
            self._lose("closed")

    def now(self) -> float:
        """By the server's clock, as far as it is known; by this machine's until then."""
        return self._clock() if self._offset is None else self._loop.time() + self._offset

    @property
    def keys_unread(self) -> str:
        """Why there may be other stored keys than were told; empty when they were read lately."""
        if self._keys_read + FRESH_SECONDS >= self._loop.time():
            return ""
        return self.why or "they were not read yet"

    def tell(self, replica: str, opening: Opening) -> None:
        """The circuit of a replica opened here. A longer rest that another worker told of stays."""
        known = self.openings.get(replica)
        if known is None or known.until < opening.until:
            self._untold[replica] = opening
            self._write()

    def want(self, backend: str) -> None:
        """A request waits that only this backend may serve, and it is off."""
        self._wanted.add(backend)
        self._write()

    # --- the task

    async def _go_on(self, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            pause = await self._turn()

    async def _turn(self) -> float:
        """One poll; seconds until the next."""
        try:
            await self._poll(self._connection or await self._connect())
        except (LedgerUnavailable, hiredis.ReplyError) as error:
            self._lose(str(error))
            self._failures += 1
            if self.powers and self._loop.time() - self._read > POWER_SECONDS:
                self.powers = {}
            self._listener.lost()
            return backoff(self._failures, _FIRST_BACKOFF, _LONGEST_BACKOFF, random.random())
        except Exception:  # a defect of ours, or of what others wrote: the next poll must come all the same
            _log.exception("shared state not read")
        return POLL_SECONDS

    async def _connect(self) -> Connection:
        self._connection = await connect(self._address, self._timeout, self._on_lost)
        return self._connection

    def _on_lost(self, why: str) -> None:
        self._connection, self.available, self.why = None, False, why

    def _lose(self, why: str) -> None:
        if self._connection is not None:
            self._connection.lose(why)
        self.available, self.why = False, why

    async def _poll(self, connection: Connection) -> None:
        asked = self._loop.time()
        now, flat = await asyncio.gather(read_time(connection), connection.call("HGETALL", SHARED_KEY))
        self._offset = now - (asked + self._loop.time()) / 2
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        await self._follow_keys(connection, int(fields.get(VERSION_FIELD.encode(), 0)))
        if await self._teams.follow(connection, int(fields.get(TEAMS_FIELD.encode(), 0))):
            self._listener.teams_read(self._teams.budgets)
        self.available, self.why, self._failures, self._read = True, "", 0, self._loop.time()
        self._take(fields, now)
        self._listener.looked()
        self._write()

    def _take(self, fields: Mapping[bytes, bytes], now: float) -> None:
        openings = read_fields(fields, BREAKER, _opening)
        statuses = read_fields(fields, WORKER, _status)
        others = {id: status for id, status in statuses.items() if id != self.id}
        self.openings = {name: each for name, each in openings.items() if each.worker != self.id and each.until > now}
        self.statuses = {id: status for id, status in others.items() if not is_silent(status, now)}
        powers = read_fields(fields, POWER, _power)
        self.powers = {name: each for name, each in powers.items() if now - each.at <= POWER_SECONDS}
        at, price = read_price(fields)
        self.cloud_price = price if now - at <= PRICE_SECONDS else None
        at, unlisted = read_unlisted(fields)
        self.unlisted = unlisted if now - at <= UNLISTED_SECONDS else {}
        over = [BREAKER + name.encode() for name, each in openings.items() if each.until + STALE_SECONDS < now]
        gone = [WORKER + id.encode() for id, status in others.items() if is_stale(status, now)]
        if self._connection is not None and (over or gone):
            self._connection.send(pack("HDEL", SHARED_KEY, *over, *gone), partial(self._written, {}))

    # --- keys

    async def _follow_keys(self, connection: Connection, version: int) -> None:
        """A server that has lost the keys, or the end of one, is told again by whoever knows.

        What changed is read alone, but on a new connection: its server may have forgotten some of it."""
        if self.keys_version and not version:
            _log.error(
                "the ledger has lost the stored keys, known ones are written again",
                extra={"keys": len(self._keys.values)},
            )
            await write_again(connection, self._keys.values)
            return  # the next poll finds a version
        if connection is not self._keys_from:
            await self._read_all_keys(connection)
        elif version != self.keys_version:
            changed = await changed_values(connection, self.keys_version)
            if changed is None:
                await self._read_all_keys(connection)
            else:
                version = changed[0]
                await self._take_keys(changed[1])
        else:
            self._keys_read = self._loop.time()
            return
        self._keys_from, self.keys_version = connection, version
        self._keys_read = self._loop.time()
        self._keys_told()
        await self._tell_forgotten(connection)

    async def _read_all_keys(self, connection: Connection) -> None:
        gone = set(self._keys.values)
        async for values in read_values(connection):
            gone.difference_update(values)
            await self._take_keys(values)
        await self._take_keys(dict.fromkeys(gone, b""))

    async def _take_keys(self, values: Mapping[str, bytes]) -> None:
        """A few at a time: requests do not wait for all of them."""
        fields = list(values)
        for first in range(0, len(fields), KEYS_AT_ONCE):
            some = {field: values[field] for field in fields[first : first + KEYS_AT_ONCE]}
            working, ended = self._keys.take(some, self.now())
            self._listener.keys_read(working, ended)
            await asyncio.sleep(0)

    def _keys_told(self) -> None:
        if self._keys.unreadable:
            _log.error("stored keys that cannot be read are left out", extra={"keys": self._keys.unreadable})
            self._keys.unreadable = 0
        self._listener.keys_changed()
        self._await_expiry()

    async def _tell_forgotten(self, connection: Connection) -> None:
        """A revocation is final, even if the server forgot it in a failover."""
        forgotten, self._keys.forgotten = self._keys.forgotten, []
        if forgotten:
            names = [key.name for key in forgotten[:_MOST_NAMES]]
            _log.error("the ledger has forgotten that keys were revoked", extra={"keys": names})
            await write_keys(connection, str(self.keys_version).encode(), forgotten)

    def _await_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        first = self._keys.next_expiry
        if first is not None:
            self._expiry = self._loop.call_later(min(max(0.0, first - self.now()), _LONGEST_TIMER), self._expired)

    def _expired(self) -> None:
        self._expiry = None
        self._listener.keys_read((), self._keys.expire(self.now()))
        self._keys_told()

    # --- writing

    def _write(self) -> None:
        """Openings and what is wanted at once, the status when it is due."""
        if self._connection is None:
            return
        words: list[str | bytes] = []
        for replica, opening in self._untold.items():
            words += (BREAKER + replica.encode(), _encode(opening))
        for backend in self._wanted:
            words += (WAKE + backend.encode(), repr(self.now()))
        self._wanted = set()
        if self._loop.time() >= self._told + STATUS_SECONDS - POLL_SECONDS / 2:
            self._told = self._loop.time()
            words += (WORKER + self.id.encode(), _encode(self._listener.report()))
        if words:
            told, self._untold = self._untold, {}
            self._connection.send(pack("HSET", SHARED_KEY, *words), partial(self._written, told))

    def _written(self, told: Mapping[str, Opening], reply: Any) -> None:
        if isinstance(reply, Exception):
            self._untold = {**told, **self._untold}
        if isinstance(reply, hiredis.ReplyError):
            self._lose(str(reply))


async def read_statuses(connection: Connection) -> tuple[float, list[WorkerStatus]]:
    """The server's time, and every worker of all gateways on this ledger, in the order of their starts.

    Some of them may be silent by now. Raises `LedgerUnavailable` and `hiredis.ReplyError`.
    """
    now, flat = await asyncio.gather(read_time(connection), connection.call("HGETALL", SHARED_KEY))
    statuses = read_fields(dict(zip(flat[::2], flat[1::2], strict=True)), WORKER, _status).values()
    alive = (status for status in statuses if not is_stale(status, now))
    return now, sorted(alive, key=lambda status: (status.started, status.id))


async def statuses_at(url: str, timeout: float = 5.0) -> list[WorkerStatus]:
    """The workers alone."""
    return (await look_at(url, timeout))[1]


async def look_at(url: str, timeout: float = 5.0) -> tuple[float, list[WorkerStatus]]:
    """As `read_statuses`, on a connection of its own.

    Raises ValueError for an unusable URL, and `LedgerUnavailable`.
    """
    async with connected(url, timeout) as connection:
        with refused_is_unavailable():
            return await read_statuses(connection)


async def tell_price(connection: Connection, price: float | None) -> None:
    """Of the traffic; None when it is not known. Raises `LedgerUnavailable`."""
    try:
        if price is None:
            await connection.call("HDEL", SHARED_KEY, PRICE)
        else:
            await connection.call("HSET", SHARED_KEY, PRICE, _encode((await read_time(connection), price)))
    except hiredis.ReplyError as error:
        raise LedgerUnavailable(str(error)) from None


def read_price(fields: Mapping[bytes, bytes]) -> tuple[float, float]:
    """When it was told, and micro-USD per token. What cannot be read is another version's, and was never told."""
    try:
        return _price.decode(fields[PRICE])
    except (KeyError, msgspec.MsgspecError):
        return float("-inf"), 0.0


async def tell_unlisted(connection: Connection, found: Mapping[str, tuple[str, ...]]) -> None:
    """Models that backends do not list, by backend. Raises `LedgerUnavailable`."""
    try:
        await connection.call("HSET", SHARED_KEY, UNLISTED, _encode((await read_time(connection), found)))
    except hiredis.ReplyError as error:
        raise LedgerUnavailable(str(error)) from None


def read_unlisted(fields: Mapping[bytes, bytes]) -> tuple[float, dict[str, tuple[str, ...]]]:
    """When it was told, and what, see `tell_unlisted`; what cannot be read was never told."""
    try:
        return _unlisted.decode(fields[UNLISTED])
    except (KeyError, msgspec.MsgspecError):
        return float("-inf"), {}


def read_fields(fields: Mapping[bytes, bytes], prefix: bytes, decoder: msgspec.msgpack.Decoder[T]) -> dict[str, T]:
    """Values by the rest of their field's name; what cannot be read is another version's, and is passed over."""
    found = {}
    for field, value in fields.items():
        if field.startswith(prefix):
            try:
                found[field[len(prefix) :].decode()] = decoder.decode(value)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
    return found
