"""One lean connection to a Redis or Valkey server.

Answers come back in the order of the commands, so a queue of callbacks is all the bookkeeping there is. A
command that is not answered within `timeout` loses the connection: a frozen server is a lost one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis

from router.ledger.address import Address
from router.ledger.errors import LedgerUnavailable
from router.ledger.wire import pack

Answer = Callable[[Any], None]
"""Takes a reply, a `hiredis.ReplyError` (the server refused), or a `LedgerUnavailable` (no answer will come)."""


class Connection:
    """Commands out, replies in. `on_lost` is called once with the reason, also after `lose`.

    An asyncio protocol in all but its class: as a class of its own it can be compiled.
    """

    def __init__(self, name: str, timeout: float, on_lost: Callable[[str], None]) -> None:
        self._name = name
        self._timeout = timeout
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[float, Answer]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._why = ""

    def send(self, commands: bytes, answer: Answer, *, ignore: int = 0) -> None:
        """Writes packed commands; `answer` gets the last one's reply, after `ignore` others."""
        if self._why or self._transport is None:
            answer(LedgerUnavailable(self._why or "not connected"))
            return
        sent = self._loop.time()
        for _ in range(ignore):
            self._waiting.append((sent, _ignored))
        self._waiting.append((sent, answer))
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout, self._check_time)
        self._transport.write(commands)

    async def run(self, packed: bytes) -> Any:
        """One packed command, and its reply. Raises `hiredis.ReplyError` and `LedgerUnavailable`."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self.send(packed, lambda reply: _resolve(future, reply))
        return await future

    async def call(self, *words: str | int | bytes) -> Any:
        """The same, from a command's words."""
        return await self.run(pack(*words))

    def lose(self, why: str) -> None:
        """Gives the connection up; whatever waits for an answer gets `LedgerUnavailable`."""
        if self._why:
            return
        self._why = f"{self._name}: {why}"
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        waiting, self._waiting = self._waiting, deque()
        for _, answer in waiting:
            answer(LedgerUnavailable(self._why))
        self._on_lost(self._why)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._waiting.popleft()[1](reply)
        except (hiredis.ProtocolError, IndexError):
            self.lose("the answer is not Redis's protocol")

    def eof_received(self) -> None:
        return None

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose("connection lost" if exc is None else f"connection lost ({exc.__class__.__name__})")

    def _check_time(self) -> None:
        """Runs once per timeout rather than once per command."""
        self._timer = None
        if not self._waiting:
            return
        left = self._waiting[0][0] + self._timeout - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check_time)
        else:
            self.lose(f"no answer within {self._timeout:g} s")


async def connect(address: Address, timeout: float, on_lost: Callable[[str], None]) -> Connection:
    """A connection that is logged in and has its database selected.

    Raises `LedgerUnavailable`, with the server's own words where it refused; `on_lost` is not called then.
    """
    waited = _Waited(on_lost)
    try:
        async with asyncio.timeout(timeout):
            connection = await _open(address, timeout, waited.lost)
    except TimeoutError:
        raise LedgerUnavailable(f"{address.name}: no connection within {timeout:g} s") from None
    except OSError as error:
        raise LedgerUnavailable(f"{address.name}: {error.strerror or error.__class__.__name__}") from None
    try:
        await _log_in(connection, address)
    except hiredis.ReplyError as error:
        connection.lose(str(error))
        raise LedgerUnavailable(f"{address.name}: {error}") from None
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


def _ignored(reply: object) -> None:
    pass


def _resolve(future: asyncio.Future[Any], reply: Any) -> None:
    if future.done():
        return
    if isinstance(reply, Exception):
        future.set_exception(reply)
    else:
        future.set_result(reply)
