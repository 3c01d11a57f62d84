import asyncio

import pytest
from hiredis import ReplyError

from router.ledger.errors import LedgerUnavailable
from router.ledger.server.address import parse_address
from router.ledger.server.connection import connect
from router.ledger.server.wire import pack


@pytest.fixture
async def open_to(server):
    """Opens connections; `open_to.lost` collects why they were lost."""
    lost: list[str] = []
    opened = []

    async def open_it(url: str = server.url, timeout: float = 5.0):
        opened.append(await connect(parse_address(url), timeout, lost.append))
        return opened[-1]

    open_it.lost = lost
    yield open_it
    for connection in opened:
        connection.lose("closed")


@pytest.fixture
async def scripted():
    """Listens on loopback and does what a test says with each connection; the address is `redis://…`."""
    servers = []

    async def listen(handle) -> str:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        return f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield listen
    for server in servers:
        server.close()


async def test_answers_come_in_the_order_of_the_commands(open_to):
    connection = await open_to()
    answers = []
    for n in range(100):
        connection.send(pack("ECHO", n), answers.append)
    assert await connection.call("ECHO", "last") == b"last"
    assert answers == [b"%d" % n for n in range(100)]


async def test_several_commands_are_one_write_and_have_a_reply_each(open_to, monkeypatch):
    connection = await open_to()
    written = []
    write = connection._transport.write
    monkeypatch.setattr(connection._transport, "write", lambda data: (written.append(data), write(data)))
    assert await connection.call_all([("ECHO", n) for n in range(100)]) == [b"%d" % n for n in range(100)]
    assert len(written) == 1
    assert await connection.call_all([]) == []


@pytest.mark.parametrize("at", [0, 1])
async def test_a_refusal_of_one_of_several_is_raised_and_keeps_the_connection(at, open_to):
    connection = await open_to()
    commands = [("ECHO", "first"), ("ECHO", "second")]
    commands[at] = ("NONSENSE",)
    with pytest.raises(ReplyError, match="unknown command"):
        await connection.call_all(commands)
    assert await connection.call("PING") == b"PONG"


async def test_several_commands_without_an_answer_say_so_once(open_to, scripted):
    async def answer_one(reader, writer):
        await reader.readuntil(b"PING\r\n")
        writer.write(b"+PONG\r\n")
        writer.close()

    connection = await open_to(await scripted(answer_one))
    for why in ("connection lost", "connection lost"):
        with pytest.raises(LedgerUnavailable, match=why):
            await connection.call_all([("PING",), ("PING",)])


async def test_large_values_arrive_whole(open_to):
    connection = await open_to()
    assert await connection.call("ECHO", b"x" * 3_000_000) == b"x" * 3_000_000


async def test_a_refusal_is_raised_and_keeps_the_connection(open_to):
    connection = await open_to()
    with pytest.raises(ReplyError, match="unknown command"):
        await connection.call("NONSENSE")
    assert await connection.call("PING") == b"PONG"


@pytest.mark.parametrize("session_server", ["valkey", "redis"], indirect=True)
async def test_it_logs_in_and_selects(open_to, server):
    server.client.config_set("requirepass", "hunter2")
    try:
        path = server.url.removeprefix("unix://")
        connection = await open_to(f"unix://:hunter2@{path}?db=3")
        await connection.call("SET", "here", "yes")
        with pytest.raises(LedgerUnavailable, match="WRONGPASS") as raised:
            await open_to(f"unix://:hunter3@{path}")
        assert "hunter" not in str(raised.value)
        assert await connection.call("CLIENT", "INFO")
        assert b" db=3 " in await connection.call("CLIENT", "INFO")
    finally:
        server.client.config_set("requirepass", "")


async def test_tcp(open_to, scripted):
    async def answer(reader, writer):
        await reader.readuntil(b"PING\r\n")
        writer.write(b"+PO")
        await writer.drain()
        writer.write(b"NG\r\n")
        await reader.read()
        writer.close()

    connection = await open_to(await scripted(answer))
    assert await connection.call("PING") == b"PONG"


async def test_silence_loses_the_connection(open_to, scripted):
    async def say_nothing(reader, writer):
        await reader.read()
        writer.close()

    connection = await open_to(await scripted(say_nothing), timeout=0.05)
    first, second = asyncio.ensure_future(connection.call("PING")), asyncio.ensure_future(connection.call("PING"))
    for waiting in (first, second):
        with pytest.raises(LedgerUnavailable, match=r"127.0.0.1:\d+: no answer within 0.05 s"):
            await waiting
    with pytest.raises(LedgerUnavailable, match="no answer within"):
        await connection.call("PING")
    assert len(open_to.lost) == 1


async def test_garbage_loses_the_connection(open_to, scripted):
    async def babble(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    connection = await open_to(await scripted(babble))
    with pytest.raises(LedgerUnavailable, match="not Redis's protocol"):
        await connection.call("PING")


async def test_an_answer_that_nobody_asked_for_loses_the_connection(open_to, scripted):
    async def blurt(reader, writer):
        await reader.read(1)
        writer.write(b"+PONG\r\n+PONG\r\n")
        await reader.read()
        writer.close()

    connection = await open_to(await scripted(blurt))
    assert await connection.call("PING") == b"PONG"
    with pytest.raises(LedgerUnavailable, match="not Redis's protocol"):
        await connection.call("PING")


@pytest.mark.parametrize(
    "refusal",
    [
        "MOVED 2466 127.0.0.1:7001",
        "ASK 2466 127.0.0.1:7001",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN Hash slot not served",
        "READONLY You can't write against a read only replica.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "LOADING Redis is loading the dataset in memory",
    ],
)
async def test_a_server_that_is_not_the_one_to_ask_is_given_up(open_to, scripted, refusal):
    async def refuse(reader, writer):
        await reader.read(1)
        writer.write(f"-{refusal}\r\n".encode())
        await reader.read()
        writer.close()

    connection = await open_to(await scripted(refuse))
    first, second = asyncio.ensure_future(connection.call("GET", "a")), asyncio.ensure_future(connection.call("PING"))
    with pytest.raises(ReplyError, match=refusal.split()[0]):
        await first
    with pytest.raises(LedgerUnavailable, match=rf"127.0.0.1:\d+: {refusal.split()[0]}"):
        await second
    assert len(open_to.lost) == 1


async def test_a_closed_connection_is_noticed(open_to, scripted):
    async def hang_up(reader, writer):
        await reader.read(1)
        writer.close()

    connection = await open_to(await scripted(hang_up))
    with pytest.raises(LedgerUnavailable, match="connection lost"):
        await connection.call("PING")
    assert len(open_to.lost) == 1


async def test_nobody_listens(open_to):
    with pytest.raises(LedgerUnavailable, match=r"127.0.0.1:1: "):
        await open_to("redis://127.0.0.1:1")
    assert open_to.lost == []


async def test_tls_to_a_plain_server_fails_in_time(open_to, scripted):
    async def say_nothing(reader, writer):
        await reader.read()
        writer.close()

    url = (await scripted(say_nothing)).replace("redis://", "rediss://")
    with pytest.raises(LedgerUnavailable, match="no connection within"):
        await open_to(url, timeout=0.1)
