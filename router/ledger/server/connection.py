"""One lean connection to a Redis or Valkey server.

Answers come back in the order of the commands, so a queue of callbacks is all the bookkeeping there is. A
command that is not answered within `timeout` loses the connection: a frozen server is a lost one. So does an answer
that says that this server is not, or not now, the one to ask: connecting anew finds the right one.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

import hiredis

from router.ledger.errors import LedgerUnavailable
from router.ledger.server.discovery import Address, Cluster, Sentinels, ServerAddress
from router.ledger.server.wire import pack
from router.system.connection import BaseConnection

_NOT_HERE = frozenset(("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "MASTERDOWN", "LOADING"))
"""How the refusals begin of a server that is not the one to ask."""

Answer = Callable[[Any], None]
"""Takes a reply, a `hiredis.ReplyError` (the server refused), or a `LedgerUnavailable` (no answer will come)."""


def _ignored(reply: object) -> None:
    pass


class Connection(BaseConnection):
    """Commands out, replies in. `on_lost` is called once with the reason, also after `lose`."""

    def __init__(self, name: str, timeout: float, on_lost: Callable[[str], None]) -> None:
        super().__init__(asyncio.get_running_loop())
        self._name = name
        self._timeout = timeout
        self._on_lost = on_lost
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, float, Answer]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._why = ""

    def send(
        self,
        commands: bytes,
        answer: Answer,
        *,
        ignore: int = 0,
        timeout: float = 0.0,
        others: Answer = _ignored,
    ) -> None:
        """Writes packed commands; `answer` gets the last one's reply, after `ignore` others, which `others` gets.

        `timeout` is for these alone, where it is longer than that of the connection.
        """
        if self._why or self._transport is None:
            answer(LedgerUnavailable(self._why or "not connected"))
            return
        sent, limit = self._loop.time(), max(timeout, self._timeout)
        for _ in range(ignore):
            self._waiting.append((sent, limit, others))
        self._waiting.append((sent, limit, answer))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._check_time)
        self._transport.write(commands)

    async def run(self, packed: bytes, timeout: float = 0.0, ignore: int = 0) -> Any:
        """One packed command, and its reply; or several, and the last one's, after `ignore` others. Raises
        `hiredis.ReplyError` and `LedgerUnavailable`."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self.send(packed, lambda reply: _resolve(future, reply), ignore=ignore, timeout=timeout)
        return await future

    async def call(self, *words: str | int | bytes) -> Any:
        """The same, from a command's words."""
        return await self.run(pack(*words))

    async def call_all(self, commands: Sequence[Sequence[str | int | bytes]]) -> list[Any]:
        """Several commands in one write, which costs both sides less than one for each, and their replies. Raises the
        first refusal, and `LedgerUnavailable`."""
        if not commands:
            return []
        replies: list[Any] = []
        packed = b"".join(pack(*words) for words in commands)
        future: asyncio.Future[Any] = self._loop.create_future()
        self.send(packed, lambda reply: _resolve(future, reply), ignore=len(commands) - 1, others=replies.append)
        replies.append(await future)
        for reply in replies:
            if isinstance(reply, hiredis.ReplyError):
                raise reply
        return replies

    def lose(self, why: str) -> None:
        """Gives the connection up; whatever waits for an answer gets `LedgerUnavailable`."""
        if self._why:
            return
        self._why = f"{self._name}: {why}"
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        self.abort()
        waiting, self._waiting = self._waiting, deque()
        for _, _, answer in waiting:
            answer(LedgerUnavailable(self._why))
        self._on_lost(self._why)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._waiting.popleft()[2](reply)
                if type(reply) is hiredis.ReplyError and str(reply).partition(" ")[0] in _NOT_HERE:
                    self.lose(str(reply))
        except (hiredis.ProtocolError, IndexError):
            self.lose("the answer is not Redis's protocol")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose("connection lost" if exc is None else f"connection lost ({exc.__class__.__name__})")

    def _check_time(self) -> None:
        """Runs once per timeout rather than once per command."""
        self._timer = None
        if not self._waiting:
            return
        due, limit = min((sent + limit, limit) for sent, limit, _ in self._waiting)
        left = due - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(min(left, self._timeout), self._check_time)
        else:
            self.lose(f"no answer within {limit:g} s")


async def connect(place: ServerAddress, timeout: float, on_lost: Callable[[str], None]) -> Connection:
    """A connection to the server that the ledger is on; it is logged in and has its database selected.

    Sentinels and nodes of a cluster are asked in turn, until one leads to a server that proves to be the right one. No
    question, and no attempt to connect, takes longer than `timeout` (seconds).
    Raises `LedgerUnavailable`, with the server's own words where it refused; `on_lost` is not called then.
    """
    if isinstance(place, Address):
        return await _connect_to(place, timeout, on_lost, _any_server)
    tried: set[Address] = set()
    reasons = []
    for seed in place.seeds:
        try:
            address = await _ask(seed, place, timeout)
            if address not in tried:
                tried.add(address)
                return await _connect_to(address, timeout, on_lost, partial(_prove, place))
        except LedgerUnavailable as error:
            reasons.append(str(error))
    raise LedgerUnavailable(f"{place.name}: {'; '.join(reasons)}")


def _why(error: OSError) -> str:
    """In the system's words: asyncio's own name a call and its arguments."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "cannot be connected to"


async def _ask(seed: Address, place: Sentinels | Cluster, timeout: float) -> Address:
    """Where the server is, as one seed says."""
    connection = await _connect_to(seed, timeout, _ignored, _any_server)
    try:
        return place.find(seed, await connection.call(*place.question()))
    except hiredis.ReplyError as error:
        raise LedgerUnavailable(f"{seed.name}: {error}") from None
    finally:
        connection.lose("closed")


async def _prove(place: Sentinels | Cluster, connection: Connection) -> str:
    return place.doubt(await connection.call(*place.proof()))


async def _any_server(connection: Connection) -> str:
    return ""


async def _connect_to(
    address: Address,
    timeout: float,
    on_lost: Callable[[str], None],
    doubt: Callable[[Connection], Awaitable[str]],
) -> Connection:
    waited = _Waited(on_lost)
    try:
        async with asyncio.timeout(timeout):
            connection = await _open(address, timeout, waited.lost)
    except TimeoutError:
        raise LedgerUnavailable(f"{address.name}: no connection within {timeout:g} s") from None
    except OSError as error:
        raise LedgerUnavailable(f"{address.name}: {_why(error)}") from None
    wrong = "given up"
    try:
        await _log_in(connection, address)
        wrong = await doubt(connection)
    except hiredis.ReplyError as refusal:
        wrong = str(refusal)
    finally:
        if wrong:
            connection.lose(wrong)
    if wrong:
        raise LedgerUnavailable(f"{address.name}: {wrong}")
    waited.ready = True
    return connection


class _Waited:
    """Keeps `on_lost` quiet until the caller has the connection."""

    def __init__(self, on_lost: Callable[[str], None]) -> None:
        self.ready = False
        self._on_lost = on_lost

    def lost(self, why: str) -> None:
        if self.ready:
            self._on_lost(why)


async def _open(address: Address, timeout: float, on_lost: Callable[[str], None]) -> Connection:
    loop = asyncio.get_running_loop()
    connection = Connection(address.name, timeout, on_lost)

    def make() -> asyncio.Protocol:
        return cast(asyncio.Protocol, connection)

    if address.path is not None:
        await loop.create_unix_connection(make, address.path)
    else:
        await loop.create_connection(make, address.host, address.port, ssl=address.ssl_context())
    return connection


async def _log_in(connection: Connection, address: Address) -> None:
    if address.password is not None:
        names = () if address.username is None else (address.username,)
        await connection.call("AUTH", *names, address.password)
    if address.database:
        await connection.call("SELECT", address.database)


def _resolve(future: asyncio.Future[Any], reply: Any) -> None:
    if future.done():
        return
    if isinstance(reply, Exception):
        future.set_exception(reply)
    else:
        future.set_result(reply)
