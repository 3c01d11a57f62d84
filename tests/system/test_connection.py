from __future__ import annotations

import asyncio
import contextlib
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from router.system.connection import BaseConnection, all_received


class Transport:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda: self.calls.append(name)


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
async def connection(transport: Transport) -> BaseConnection:
    made = BaseConnection(asyncio.get_running_loop())
    made.connection_made(cast(asyncio.Transport, transport))
    return made


async def test_it_stops_reading_once_and_reads_on_once(connection: BaseConnection, transport: Transport) -> None:
    assert [connection._stop_reading(), connection._stop_reading()] == [True, False]
    assert [connection._read_on(), connection._read_on()] == [True, False]
    assert transport.calls == ["pause_reading", "resume_reading"]


async def test_what_is_closed_is_neither_paused_nor_resumed(connection: BaseConnection, transport: Transport) -> None:
    connection._stop_reading()
    connection.closed = True
    assert not connection._read_on() and not connection._stop_reading()
    assert transport.calls == ["pause_reading"]


async def test_before_it_is_connected_there_is_nothing_to_stop_or_to_close() -> None:
    early = BaseConnection(asyncio.get_running_loop())
    early.abort()
    assert not early._stop_reading() and not early._read_on()


async def test_it_is_closed_at_once(connection: BaseConnection, transport: Transport) -> None:
    connection.abort()
    assert transport.calls == ["abort"]


async def test_half_a_connection_is_not_kept_and_what_waits_is_nobodys_business(connection: BaseConnection) -> None:
    assert connection.eof_received() is None
    connection.pause_writing()
    connection.resume_writing()


def test_what_the_other_side_has_not_taken_is_known() -> None:
    ours, theirs = pair_of_sockets()
    transport = cast(asyncio.Transport, SimpleNamespace(get_extra_info=lambda name: ours))
    with theirs:
        assert all_received(transport)
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(b"x" * 65536)
        assert not all_received(transport)
        ours.close()
    assert all_received(transport)


def pair_of_sockets() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        return ours, listener.accept()[0]
