from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from router.system.connection import BaseConnection


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
