"""What the pool lends and takes back: every exchange leaves its books, and only connections as good as new stay."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import raw, silence
from support.waiting import until

from router.core.resilience.retry import Fault
from router.upstream.connection import Connection, Headers
from router.upstream.errors import EgressViolation, UpstreamError
from router.upstream.fetch import fetch
from router.upstream.pool import Pool
from router.upstream.target import Target, target_of_socket

LOCAL = frozenset({"local"})
TARGET = Target(backend="gpu", zone="local", host="127.0.0.1", port=1, prefix="/v1")
OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"content-length: 2\r\n\r\n{}"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


class Wire:
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        self.reading = True
        self.aborted = False
        self.unsent = 0

    def write(self, data: bytes) -> None:
        pass

    def writelines(self, data: Any) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.aborted = True


class Sink:
    """Counts how often it was told of an ending; may pause the connection at the first byte, as a slow client does."""

    def __init__(self, connection: Connection, *, pauses: bool = False) -> None:
        self.connection, self.pauses = connection, pauses
        self.endings = 0
        self.lost: UpstreamError | None = None

    def on_head(self, status: int, headers: Headers) -> None:
        pass

    def on_body(self, data: bytes) -> None:
        if self.pauses:
            self.connection.pause()

    def on_end(self) -> None:
        self.endings += 1

    def on_due(self, now: float) -> float:
        return now

    def on_lost(self, error: UpstreamError) -> None:
        self.endings += 1
        self.lost = error


class Clock:
    """As much of an event loop as connections look at."""

    def time(self) -> float:
        return 0.0


class Line:
    """A pool without sockets, and what lies at the other end of each of its connections."""

    def __init__(self) -> None:
        self.pool = Pool(TARGET, 1.0, cast(asyncio.AbstractEventLoop, Clock()))

    def lend(self) -> tuple[Connection, Wire]:
        connection = self.pool.take_idle()
        if connection is None:
            connection = self.pool._make()
            connection.connection_made(cast(asyncio.Transport, Wire()))
            self.pool._busy.add(connection)
        return connection, cast(Wire, connection._transport)

    def send(self, connection: Connection, sink: Sink) -> None:
        connection.send(LOCAL, self.pool.head("/x") + b"\r\n", b"", sink, due=float("inf"))


def idle(pool: Pool) -> int:
    """Connections that it would lend again; some may have closed since they came back."""
    return sum(not connection.closed for connection in pool._idle)


@dataclass(frozen=True)
class Answer:
    data: bytes
    kept: bool
    """Whether the connection is as good as new when all of it was read."""


ANSWERS = {
    "with a length": Answer(WHOLE, True),
    "chunked": Answer(CHUNKED, True),
    "after an interim one": Answer(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + WHOLE, True),
    "empty": Answer(b"HTTP/1.1 204 No Content\r\n\r\n", True),
    "the last on its connection": Answer(OK + b"connection: close\r\ncontent-length: 2\r\n\r\n{}", False),
    "of HTTP/1.0": Answer(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", False),
    "until the connection ends": Answer(OK + b"\r\nsome", False),
    "nothing": Answer(b"", False),
    "cut in its head": Answer(OK[:9], False),
    "cut in its body": Answer(WHOLE[:-1], False),
    "cut in a chunk": Answer(CHUNKED[:-9], False),
    "not HTTP": Answer(b"SSH-2.0-OpenSSH_9.2\r\n", False),
    "a bomb of headers": Answer(OK + b"x: " + b"y" * 70_000, False),
    "followed by another one": Answer(WHOLE + WHOLE, False),
    "followed by a byte": Answer(WHOLE + b"H", False),
    "followed by garbage": Answer(WHOLE + b"\x00", False),
}
ENDINGS = ("closed", "reset", "left", "silent")
"""By the backend, or by us: the client left, or the pool's clock ran out."""


def end(connection: Connection, ending: str) -> None:
    if ending == "left":
        connection.abort()
    elif ending == "silent" and connection._sink is not None:
        connection.look(0.0)
    elif ending in ("closed", "reset"):
        connection.connection_lost(ConnectionResetError() if ending == "reset" else None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(ANSWERS)), st.sampled_from(ENDINGS), st.booleans(), st.booleans(), st.booleans()
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_its_ending_every_exchange_leaves_the_books_and_is_told_of_once(steps):
    line = Line()
    for name, ending, slow, bytewise, together in steps:
        connection, wire = line.lend()
        sink = Sink(connection, pauses=slow)
        line.send(connection, sink)
        data = ANSWERS[name].data
        parts = [data[at : at + 1] for at in range(len(data))] if bytewise and len(data) < 999 else [data]
        for part in parts:
            if part and not connection.closed:
                connection.data_received(part)
        if connection._sink is not None:
            end(connection, ending)
        assert line.pool.busy == 0 and connection._sink is None
        assert sink.endings == (0 if ending == "left" and not sink.endings else 1)
        assert idle(line.pool) == (0 if connection.closed else 1)
        assert connection.closed or (wire.reading and connection.reusable)
        if together:
            end(connection, "closed")
            assert line.pool.busy == 0
            assert line.pool.take_idle() is None
    assert line.pool.busy == 0


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("slow", [False, True], ids=["read at once", "read slowly"])
def test_only_a_connection_that_is_as_good_as_new_is_used_again(name, slow):
    line = Line()
    connection, wire = line.lend()
    line.send(connection, Sink(connection, pauses=slow))
    if ANSWERS[name].data:
        connection.data_received(ANSWERS[name].data)
    again = line.pool.take_idle()
    assert (again is connection) == ANSWERS[name].kept
    assert again is None or wire.reading


def test_a_request_that_was_answered_before_it_was_sent_takes_its_connection_with_it():
    line = Line()
    connection, wire = line.lend()
    wire.unsent = 1
    sink = Sink(connection)
    line.send(connection, sink)
    connection.data_received(WHOLE)
    assert (sink.endings, sink.lost) == (1, None)
    assert wire.aborted and line.pool.take_idle() is None


def test_a_pause_after_the_end_is_nobodys():
    """The connection may be another exchange's by then."""
    line = Line()
    connection, wire = line.lend()
    line.send(connection, Sink(connection))
    connection.data_received(WHOLE)
    connection.pause()
    assert wire.reading and line.pool.take_idle() is connection


@pytest.mark.parametrize("answered", [b"", OK + b"\r\nuntil the end", WHOLE[:-1]], ids=["reset", "unframed", "cut"])
async def test_answers_that_end_with_their_connection_leave_the_books(pool, backend, answered):
    backend.default = raw(answered)
    for _ in range(3):
        connection = await pool.connect(1.0)
        sink = Sink(connection)
        head = pool.head("/x") + b"content-length: 0\r\n\r\n"
        connection.send(LOCAL, head, b"", sink, due=float("inf"))
        await until(lambda sink=sink: sink.endings)
    assert (pool.busy, idle(pool)) == (0, 0)


async def test_a_fetch_that_is_given_up_leaves_the_books(pool, backend):
    backend.default = silence()
    with pytest.raises(UpstreamError):
        await fetch(pool, "/health", 0.05)
    assert (pool.busy, idle(pool)) == (0, 0)


async def test_a_request_that_may_not_be_sent_leaves_the_books(pool, backend):
    connection = await pool.connect(1.0)
    with pytest.raises(EgressViolation):
        connection.send(frozenset(), b"", b"", Sink(connection), due=float("inf"))
    connection.abort()
    assert (pool.busy, idle(pool)) == (0, 0)


async def test_a_closing_pool_keeps_nothing_that_comes_back(pool, backend):
    connection = await pool.connect(1.0)
    sink = Sink(connection)
    head = pool.head("/x") + b"content-length: 0\r\n\r\n"
    connection.send(LOCAL, head, b"", sink, due=float("inf"))
    pool.close()
    await until(lambda: sink.endings)
    assert sink.lost is None and (pool.busy, idle(pool)) == (0, 0)


async def test_an_adapter_that_does_not_listen_yet_is_said_to_start(tmp_path):
    target = target_of_socket("api", "cloud", str(tmp_path / "adapter.sock"), "f00")
    pool = Pool(target, 1.0, asyncio.get_running_loop())
    with pytest.raises(UpstreamError, match="adapter: it is starting, or not installed"):
        await pool.connect(1.0)


# --- connecting


async def nobody_greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_backend_that_does_not_get_connected_is_given_up_at_its_limit():
    """However much time the request has left; here its TLS is never answered."""
    server = await asyncio.start_server(nobody_greets, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = Target("gpu", "local", "127.0.0.1", port, "/v1", tls=ssl.create_default_context())
    mute = Pool(target, 0.2, asyncio.get_running_loop())
    async with server, asyncio.timeout(20):
        with pytest.raises(UpstreamError) as caught:
            await mute.connect(600.0)
    assert caught.value.fault is Fault.CONNECT_TIMEOUT
    assert mute.busy == 0 and mute.take_idle() is None
