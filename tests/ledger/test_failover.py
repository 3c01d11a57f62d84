"""The ledger in use while its server moves: sentinels promote a replica, a cluster gives the slot to another node."""

import asyncio

import pytest
from support.engines import LEDGER_SLOT, MASTER, Cluster, Pair, cluster, free_port, frozen, sentinel_pair
from support.waiting import until

from router.core.values import Cell
from router.ledger.errors import LedgerUnavailable
from router.ledger.reports.totals import open_report
from router.ledger.server.address import parse_address
from router.ledger.server.connection import connect

CLOUD = Cell("openai", "cloud", "chat", "search", "app")


@pytest.fixture
def server() -> None:
    """Every test here names its own."""


@pytest.fixture
def pair(tmp_path) -> Pair:
    """A pair of the test's own, with passwords, whose sentinels soon replace a lost master."""
    with sentinel_pair(tmp_path, lost_after_ms=300, password="hunter2") as started:
        yield started


@pytest.fixture(scope="module")
def nodes(tmp_path_factory) -> Cluster:
    with cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
async def open_to():
    """Opens connections that are closed at the end."""
    opened = []

    async def open_it(url: str, timeout: float = 5.0):
        opened.append(await connect(parse_address(url), timeout, lambda why: None))
        return opened[-1]

    yield open_it
    for connection in opened:
        connection.lose("closed")


@pytest.fixture
async def misled():
    """Listens on loopback and gives everybody the same answer; `misled(answer)` is its port."""
    servers = []

    async def listen(answer: bytes) -> int:
        async def say(reader, writer):
            while await reader.read(65536):
                writer.write(answer)
            writer.close()

        servers.append(await asyncio.start_server(say, "127.0.0.1", 0))
        return servers[-1].sockets[0].getsockname()[1]

    yield listen
    for server in servers:
        server.close()


async def costs_of(url: str) -> list[tuple[Cell, int, int]]:
    async with open_report(url) as report:
        return [(row.cell, row.requests, row.cost) for row in await report.days(["2026-05-20"])]


async def one_request(ledger, hold_of, settlement_of) -> None:
    """Reserved, as soon as that can be done, and settled."""
    async with asyncio.timeout(60):
        while True:
            hold = hold_of(ledger)
            try:
                await ledger.reserve(hold)
                break
            except LedgerUnavailable:
                await asyncio.sleep(0.01)
    ledger.settle(settlement_of(hold))
    await ledger.flush()


async def test_a_killed_master_is_replaced_and_nothing_is_lost(pair, new_ledger, hold_of, settlement_of, eventually):
    master, replica = pair.servers
    ledger = await new_ledger(pair.url)
    await one_request(ledger, hold_of, settlement_of)
    running = hold_of(ledger)
    await ledger.reserve(running)
    await eventually(pair.is_level)
    master.kill()
    with pytest.raises(LedgerUnavailable):
        await ledger.reserve(hold_of(ledger))
    assert not ledger.available
    ledger.settle(settlement_of(running))
    await one_request(ledger, hold_of, settlement_of)
    assert pair.role(replica) == "master"
    assert await costs_of(pair.url) == [(CLOUD, 3, 750)]


async def test_a_frozen_master_is_replaced(pair, new_ledger, hold_of, settlement_of, eventually):
    master, replica = pair.servers
    ledger = await new_ledger(pair.url, timeout=1.0)
    await one_request(ledger, hold_of, settlement_of)
    await eventually(pair.is_level)
    with frozen(master.pid):
        with pytest.raises(LedgerUnavailable, match=r"no answer within 1 s"):
            await ledger.reserve(hold_of(ledger))
        await one_request(ledger, hold_of, settlement_of)
        assert await costs_of(pair.url) == [(CLOUD, 2, 500)]
    assert pair.role(replica) == "master"


async def test_a_demoted_master_is_left(pair, new_ledger, hold_of, settlement_of, eventually):
    old, new = pair.servers
    ledger = await new_ledger(pair.url)
    await one_request(ledger, hold_of, settlement_of)
    await eventually(pair.is_level)
    pair.sentinels[0].client.execute_command("SENTINEL FAILOVER", MASTER)
    await until(lambda: (pair.role(old), pair.role(new)) == ("slave", "master"), seconds=60)
    await one_request(ledger, hold_of, settlement_of)
    assert await costs_of(pair.url) == [(CLOUD, 2, 500)]


async def test_a_sentinel_that_is_behind_is_not_believed(pair, open_to, misled):
    master, replica = pair.servers
    port = str(replica.port).encode()
    liar = await misled(b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" % (len(port), port))
    with pytest.raises(LedgerUnavailable, match=rf"127.0.0.1:{replica.port}: it is not the master but a slave"):
        await open_to(f"redis+sentinel://:hunter2@127.0.0.1:{liar}/{MASTER}")
    connection = await open_to(pair.url.replace("@", f"@127.0.0.1:{liar},"))
    assert b":%d " % master.port in await connection.call("CLIENT", "INFO")


async def test_a_frozen_sentinel_is_passed_over(pair, open_to):
    with frozen(pair.sentinels[0].pid):
        connection = await open_to(pair.url, timeout=0.3)
        assert (await connection.call("ROLE"))[0] == b"master"
        first = pair.sentinels[0].port
        with pytest.raises(LedgerUnavailable, match=rf"127.0.0.1:{first}: no answer within 0.3 s$"):
            await open_to(pair.url_by(pair.sentinels[0]), timeout=0.3)


async def test_a_name_that_no_sentinel_knows(pair, open_to):
    with pytest.raises(LedgerUnavailable) as raised:
        await open_to(pair.url_by(*pair.sentinels, master="ourmaster"))
    for sentinel in pair.sentinels:
        assert f"127.0.0.1:{sentinel.port}: this sentinel knows no master named ourmaster" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("sentinel_password=hunter2", "sentinel_password=hunter3", "WRONGPASS"),
        ("?sentinel_password=hunter22", "", "NOAUTH"),
        (":hunter2@", ":hunter3@", "WRONGPASS"),
        (":hunter2@", "", "NOAUTH"),
    ],
)
async def test_a_wrong_password_is_explained_and_not_shown(pair, open_to, right, wrong, message):
    with pytest.raises(LedgerUnavailable, match=message) as raised:
        await open_to(pair.url.replace(right, wrong))
    assert "hunter" not in str(raised.value)


async def test_any_node_leads_to_the_one_that_has_the_slot(nodes, open_to):
    assert nodes.owner.client.execute_command("CLUSTER KEYSLOT", "be:{ledger}:volume") == LEDGER_SLOT
    for seed in nodes.nodes:
        connection = await open_to(nodes.url_by(seed))
        assert await connection.call("CLUSTER", "MYID") == nodes.id_of(nodes.owner)


async def test_nodes_that_are_down_or_frozen_are_passed_over(nodes, open_to):
    nobody = f"redis+cluster://127.0.0.1:{free_port()}"
    with frozen(nodes.nodes[0].pid):
        hosts = nodes.url.removeprefix("redis+cluster://")
        connection = await open_to(f"{nobody},{hosts}", timeout=0.3)
        assert await connection.call("CLUSTER", "MYID") == nodes.id_of(nodes.owner)
    with pytest.raises(LedgerUnavailable, match=r"cluster at 127.0.0.1:\d+: 127.0.0.1:\d+: Connection refused"):
        await open_to(nobody)


async def test_a_node_that_is_behind_is_not_believed(nodes, open_to, misled):
    former = nodes.nodes[0].port
    liar = await misled(b"*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:%d\r\n$2\r\nid\r\n" % former)
    with pytest.raises(LedgerUnavailable, match=rf"127.0.0.1:{former}: MOVED {LEDGER_SLOT} "):
        await open_to(f"redis+cluster://127.0.0.1:{liar}")
    connection = await open_to(nodes.url.replace("://", f"://127.0.0.1:{liar},"))
    assert await connection.call("CLUSTER", "MYID") == nodes.id_of(nodes.owner)


async def test_the_ledger_follows_its_slot(nodes, new_ledger, hold_of, settlement_of):
    ledger = await new_ledger(nodes.url)
    running = hold_of(ledger)
    await ledger.reserve(running)
    there, back = (nodes.owner, nodes.nodes[2]), (nodes.nodes[2], nodes.owner)
    for way in (there, back):
        await one_request(ledger, hold_of, settlement_of)
        nodes.move_slot(*way)
        with pytest.raises(LedgerUnavailable, match="MOVED"):
            await ledger.reserve(hold_of(ledger))
    ledger.settle(settlement_of(running))
    await one_request(ledger, hold_of, settlement_of)
    assert await costs_of(nodes.url) == [(CLOUD, 4, 1000)]
