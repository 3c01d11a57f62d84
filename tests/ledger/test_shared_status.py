"""Workers on one real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from router.core.resilience.worker_status import POWER_SECONDS, Opening, PowerState, WorkerStatus
from router.ledger.redis_keys import KEYS_KEY, SHARED_KEY, TEAMS_KEY
from router.ledger.shared_status import KEYS_AT_ONCE, PRICE_SECONDS, SharedStatus, statuses_at, tell_price
from router.ledger.stored_key import StoredKey
from router.ledger.stored_keys import KeyStore, open_keys
from router.ledger.stored_teams import open_teams

APP = {"name": "app"}
GPU = "gpu|f00|http://gpu:8000"


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


class Worker:
    """A listener, and the `SharedStatus` that it listens to."""

    def __init__(self, url: str, policy: str, **settings) -> None:
        self.shared = SharedStatus(url, **settings)
        self.policy = policy
        self.looks = self.losses = self.read = 0
        self.keys: list[str] = []
        self.teams: dict[str, Mapping[str, Any]] = {}
        self.pieces: list[int] = []
        self.turns: list[int] = []
        """Of the event loop, in which the pieces came."""
        self._turn = 0
        self._working: dict[str, str] = {}

    def report(self) -> WorkerStatus:
        now = self.shared.now()
        return WorkerStatus(self.shared.id, "node", 1, started=0.0, at=now, policy=self.policy)

    def looked(self) -> None:
        self.looks += 1

    def lost(self) -> None:
        self.losses += 1

    def keys_read(self, working: Sequence[StoredKey], ended: Sequence[str]) -> None:
        self.read += len(working) + len(ended)
        self.pieces.append(len(working) + len(ended))
        self.turns.append(self._turn)
        asyncio.get_running_loop().call_soon(self._next_turn)
        self._working |= {key.sha256: key.name for key in working}
        for each in ended:
            self._working.pop(each, None)

    def keys_changed(self) -> None:
        self.keys = sorted(self._working.values())

    def teams_read(self, budgets: Mapping[str, Mapping[str, Any]]) -> None:
        self.teams = dict(budgets)

    def _next_turn(self) -> None:
        self._turn += 1

    def opened(self, seconds: float, failures: int = 5) -> Opening:
        now = self.shared.now()
        opening = Opening(self.shared.id, now, now + seconds, failures, "connection refused")
        self.shared.tell(GPU, opening)
        return opening


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.ledger.shared_status.POLL_SECONDS", 0.02)
    monkeypatch.setattr("router.ledger.shared_status.STATUS_SECONDS", 0.05)


@pytest.fixture
async def worker(server):
    started: list[Worker] = []

    async def start(policy: str = "aaa", url: str = server.url, **settings) -> Worker:
        started.append(Worker(url, policy, **settings))
        await started[-1].shared.start(started[-1])
        return started[-1]

    yield start
    for each in started:
        await each.shared.close()


@pytest.fixture
async def store(server):
    async with open_keys(server.url) as store:
        yield store


async def fill(store: KeyStore, number: int) -> None:
    await store.add_all({digest(str(n)): {"name": f"app-{n}"} for n in range(number)})


async def looks_on(worker: Worker, eventually: Callable, times: int = 3) -> None:
    looks = worker.looks
    await eventually(lambda: worker.looks >= looks + times)


async def test_an_opening_reaches_the_others_and_not_oneself(worker, eventually):
    one, two = await worker(), await worker()
    told = one.opened(30)
    await eventually(lambda: two.shared.openings)
    assert two.shared.openings == {GPU: told}
    await looks_on(one, eventually)
    assert one.shared.openings == {}


async def test_a_worker_that_starts_later_hears_of_it_too(worker):
    told = (await worker()).opened(30)
    assert (await worker()).shared.openings == {GPU: told}


async def test_a_longer_rest_is_not_replaced_by_a_shorter_one(worker, eventually):
    one, two, three = await worker(), await worker(), await worker()
    asked = one.opened(600, failures=0)
    await eventually(lambda: two.shared.openings)
    two.opened(15)
    await looks_on(three, eventually)
    assert three.shared.openings == {GPU: asked}


async def test_an_opening_counts_until_its_rest_is_over_and_is_removed_later(worker, server, eventually):
    one, two = await worker(), await worker()
    one.opened(-1)
    await looks_on(two, eventually)
    assert two.shared.openings == {} and server.client.hexists(SHARED_KEY, f"breaker|{GPU}")
    one.opened(-31)
    await eventually(lambda: not server.client.hexists(SHARED_KEY, f"breaker|{GPU}"))


async def test_what_opened_while_the_server_was_lost_is_told_afterwards(worker, server, eventually):
    one, two = await worker(timeout=0.1), await worker(timeout=0.1)
    with server.frozen():
        await eventually(lambda: not one.shared.available)
        told = one.opened(30)
    await eventually(lambda: two.shared.openings)
    assert two.shared.openings == {GPU: told}


async def test_times_are_the_servers_whatever_a_machine_believes(worker, server):
    one = await worker(clock=lambda: 17.0)
    seconds, _ = server.client.time()
    assert one.shared.now() == pytest.approx(seconds, abs=2)
    assert SharedStatus(server.url, clock=lambda: 17.0).now() == 17.0


async def test_workers_know_of_each_other(worker, server, eventually):
    one, two = await worker("aaa"), await worker("bbb")
    await eventually(lambda: one.shared.statuses and two.shared.statuses)
    assert one.shared.statuses[two.shared.id].policy == "bbb"
    assert two.shared.statuses.keys() == {one.shared.id}
    assert {status.policy for status in await statuses_at(server.url)} == {"aaa", "bbb"}


async def test_a_status_is_written_again_and_again(worker, server, eventually):
    one = await worker("aaa")
    one.policy = "bbb"
    await eventually(lambda: b"bbb" in (server.client.hget(SHARED_KEY, f"worker|{one.shared.id}") or b""))


async def test_a_worker_takes_leave(worker, server, eventually):
    one = await worker()
    await eventually(lambda: server.client.hexists(SHARED_KEY, f"worker|{one.shared.id}"))
    await one.shared.close()
    assert not server.client.hexists(SHARED_KEY, f"worker|{one.shared.id}")


async def test_a_worker_that_has_gone_silently_is_removed(worker, server, eventually):
    seconds, _ = server.client.time()
    gone = WorkerStatus("gone", "node", 1, started=0.0, at=seconds - 31.0, policy="old")
    server.client.hset(SHARED_KEY, "worker|gone", msgspec.msgpack.encode(gone))
    one = await worker()
    assert one.shared.statuses == {}
    await eventually(lambda: not server.client.hexists(SHARED_KEY, "worker|gone"))


async def test_what_cannot_be_read_is_passed_over(worker, server):
    server.client.hset(SHARED_KEY, mapping={"worker|x": b"\xc1", f"breaker|{GPU}": b"[]", "something": "else"})
    one = await worker()
    assert one.shared.available
    assert (one.shared.statuses, one.shared.openings) == ({}, {})


# --- keys


async def test_keys_are_known_before_the_first_request(worker, store):
    await store.add(digest("one"), APP)
    one = await worker()
    assert one.keys == ["app"] and one.shared.keys_unread == ""


async def test_a_change_of_keys_is_seen_by_all(worker, store: KeyStore, eventually):
    one, two = await worker(), await worker()
    await store.add(digest("one"), APP)
    await eventually(lambda: one.keys == two.keys == ["app"])
    await store.revoke("app")
    await eventually(lambda: one.keys == two.keys == [])


async def test_a_key_expires_in_time_also_while_the_server_is_lost(worker, store: KeyStore, server, eventually):
    one = await worker(timeout=0.1)
    await store.add(digest("one"), APP, expires=await store.now() + 2)
    await eventually(lambda: one.keys == ["app"])
    with server.frozen():
        await eventually(lambda: one.keys == [])


async def test_known_keys_go_on_while_the_server_is_lost_and_others_may_exist(
    worker, store: KeyStore, server, eventually, monkeypatch
):
    await store.add(digest("one"), APP)
    one = await worker(timeout=0.1)
    assert one.shared.keys_unread == ""
    monkeypatch.setattr("router.ledger.shared_status.FRESH_SECONDS", 0.2)
    with server.frozen():
        await eventually(lambda: one.shared.keys_unread)
        assert "no answer within 0.1 s" in one.shared.keys_unread
        assert one.keys == ["app"]
    monkeypatch.setattr("router.ledger.shared_status.FRESH_SECONDS", 60.0)
    await eventually(lambda: not one.shared.keys_unread and one.shared.available)


async def test_where_no_server_was_ever_reached_nothing_is_known(worker):
    one = await worker(url="redis://127.0.0.1:1")
    assert not one.shared.available
    assert "127.0.0.1:1" in one.shared.why and one.shared.keys_unread == one.shared.why


async def test_a_server_that_lost_the_keys_is_told_them_again(worker, store: KeyStore, server, eventually, caplog):
    added = await store.add(digest("one"), APP)
    await worker()
    one = await worker()
    server.client.flushall()
    await eventually(lambda: server.client.hexists(SHARED_KEY, "keys"))
    assert await store.all() == [added]
    assert "the ledger has lost the stored keys" in caplog.text
    assert one.keys == (await worker()).keys == ["app"]
    await store.revoke("app")
    await eventually(lambda: one.keys == [])


async def test_a_revocation_is_final_even_if_the_server_forgets_it(worker, store: KeyStore, server, eventually):
    await store.add(digest("one"), APP)
    one = await worker()
    before = server.client.hgetall(KEYS_KEY)
    await store.revoke("app")
    await eventually(lambda: one.keys == [])
    server.client.hset(KEYS_KEY, mapping=before)
    version = server.client.hincrby(SHARED_KEY, "keys", -1)
    await eventually(lambda: int(server.client.hget(SHARED_KEY, "keys")) > version)
    (key,) = await store.all()
    assert key.revoked is not None and one.keys == []


async def test_of_many_keys_the_one_that_changed_is_read(worker, store: KeyStore, server, eventually):
    await fill(store, 250)
    one = await worker()
    assert len(one.keys) == one.read == 250 and max(one.pieces) <= KEYS_AT_ONCE
    await store.add(digest("new"), {"name": "new"})
    await eventually(lambda: "new" in one.keys)
    await store.revoke("app-7")
    await eventually(lambda: "app-7" not in one.keys)
    assert one.read == 252 and len(one.keys) == 250


async def test_between_pieces_of_many_keys_others_have_their_turn(worker, store: KeyStore):
    await fill(store, 5 * KEYS_AT_ONCE)
    one = await worker()
    assert sum(one.pieces) == 5 * KEYS_AT_ONCE
    assert all(later > earlier for earlier, later in pairwise(one.turns))


async def test_on_a_new_connection_all_are_read_and_what_is_gone_is_noticed(worker, store, server, eventually):
    """Its server may be one that a failover made the first, and that had not heard of everything."""
    await fill(store, 10)
    one = await worker()
    server.client.hdel(KEYS_KEY, digest("3"))
    one.shared._connection.lose("for the test")
    await eventually(lambda: len(one.keys) == 9)
    assert one.read == 11


async def test_a_server_that_takes_no_writes_is_lost(worker, server, eventually):
    one = await worker()
    assert one.shared.available
    server.client.config_set("maxmemory", 1)
    try:
        await eventually(lambda: "OOM" in one.shared.why)
    finally:
        server.client.config_set("maxmemory", 0)
    await eventually(lambda: one.shared.available)


async def test_it_is_closed_while_the_server_is_frozen(worker, server):
    one = await worker(timeout=0.05)
    with server.frozen():
        async with asyncio.timeout(5):
            await one.shared.close()


async def test_what_the_controller_says_is_known_while_it_is_fresh(worker, server, eventually):
    one = await worker()
    now = one.shared.now()
    said = PowerState(at=now, phase="starting", serves=False, coming=True, ready_at=now + 60)
    stale = PowerState(at=now - POWER_SECONDS - 1, phase="off", serves=False)
    server.client.hset(SHARED_KEY, "power|gpu", msgspec.msgpack.encode(said))
    server.client.hset(SHARED_KEY, "power|old", msgspec.msgpack.encode(stale))
    await eventually(lambda: one.shared.powers)
    assert one.shared.powers == {"gpu": said}


async def test_the_price_of_the_traffic_is_known_while_it_is_fresh(worker, server, eventually):
    one = await worker()
    connection, now = one.shared._connection, one.shared.now()
    assert one.shared.cloud_price is None
    await tell_price(connection, 0.6)
    await eventually(lambda: one.shared.cloud_price == 0.6)
    server.client.hset(SHARED_KEY, "price", msgspec.msgpack.encode((now - PRICE_SECONDS - 1, 0.7)))
    await eventually(lambda: one.shared.cloud_price is None)
    await tell_price(connection, 0.8)
    await eventually(lambda: one.shared.cloud_price == 0.8)
    server.client.hset(SHARED_KEY, "price", b"of another version")
    await eventually(lambda: one.shared.cloud_price is None)
    await tell_price(connection, None)
    assert not server.client.hexists(SHARED_KEY, "price")


async def test_what_the_controller_said_is_forgotten_when_the_server_is_lost_for_long(
    worker, server, eventually, monkeypatch
):
    monkeypatch.setattr("router.ledger.shared_status.POWER_SECONDS", 0.1)
    one = await worker(timeout=0.05)
    said = PowerState(at=one.shared.now() + 60, phase="off", serves=False)
    server.client.hset(SHARED_KEY, "power|gpu", msgspec.msgpack.encode(said))
    await eventually(lambda: one.shared.powers)
    with server.frozen():
        await eventually(lambda: one.losses > 3 and not one.shared.powers)


async def test_what_is_wanted_is_written_at_once_and_when_the_server_is_back(worker, server, eventually):
    one = await worker(timeout=0.1)
    one.shared.want("gpu")
    await eventually(lambda: server.client.hexists(SHARED_KEY, "wake|gpu"))
    assert float(server.client.hget(SHARED_KEY, "wake|gpu")) == pytest.approx(one.shared.now(), abs=2)
    with server.frozen():
        await eventually(lambda: not one.shared.available)
        one.shared.want("card")
    await eventually(lambda: server.client.hexists(SHARED_KEY, "wake|card"))


# --- teams


async def test_budgets_of_teams_reach_workers_and_go_again(worker, server, eventually):
    one = await worker()
    async with open_teams(server.url) as teams:
        made = await teams.put("search", "none", {"usd_per_day": 5})
        await eventually(lambda: one.teams == {"search": {"usd_per_day": 5}})
        assert (await worker()).teams == one.teams
        await teams.remove("search", made.version)
    await eventually(lambda: one.teams == {})


async def test_a_server_that_has_lost_the_teams_is_told_again(worker, server, eventually):
    one = await worker()
    async with open_teams(server.url) as teams:
        await teams.put("search", "none", {"usd_per_day": 5})
        await eventually(lambda: one.teams)
        server.client.flushall()
        await eventually(lambda: server.client.hlen(TEAMS_KEY))
        assert [team.budget for team in await teams.all()] == [{"usd_per_day": 5}]
    await looks_on(one, eventually)
    assert one.teams == {"search": {"usd_per_day": 5}}
