"""On every engine: what is kept of units, under the lease."""

from __future__ import annotations

import msgspec
import pytest

from router.core.power.states import Phase
from router.core.power.terms import Order
from router.core.power.units import UnitsState
from router.core.resilience.worker_status import BackendStatus, PowerState, ReplicaStatus, WorkerStatus
from router.ledger.errors import LedgerUnavailable
from router.ledger.power import KeptUnits, PowerBook, PowerEvent, PowerLink, open_power
from router.ledger.redis_keys import POWER_EVENTS_KEY, POWER_KEY, POWER_LEASE_KEY, SHARED_KEY

ON = KeptUnits(UnitsState(phase=Phase.ON, units=1, ready=1), counted={7: (1, 2, 3)}, counted_at=5.0)
TOLD = PowerState(at=1.0, phase="on", serves=True)


def event(at: float = 1.0) -> PowerEvent:
    return PowerEvent(at, "gpu", "off", "starting", 1, "saves", "A unit would save $2.00.", "host")


@pytest.fixture
async def book(server):
    async with open_power(server.url) as book:
        yield book


async def test_one_at_a_time_holds_the_lease_until_it_ends_or_is_given_up(book, server):
    assert await book.hold("one") and not await book.hold("two") and await book.hold("one")
    assert 0 < server.client.pttl(POWER_LEASE_KEY) <= 15_000
    await book.release("two")
    assert not await book.hold("two")
    await book.release("one")
    assert await book.hold("two")
    server.client.delete(POWER_LEASE_KEY)
    assert await book.hold("one")


async def test_only_the_holder_writes_and_all_of_it_or_nothing(book, server):
    await book.hold("one")
    server.client.hset(SHARED_KEY, "wake|gpu", "17.5")
    assert not await book.write("two", {"gpu": ON}, {"gpu": TOLD}, [event()])
    look = await book.look()
    assert (look.kept, look.powers, look.wakes, await book.events()) == ({}, {}, {"gpu": 17.5}, [])
    assert await book.write("one", {"gpu": ON}, {"gpu": TOLD}, [event(1.0), event(2.0)], over=["gpu"])
    look = await book.look()
    assert (look.kept, look.powers, look.wakes) == ({"gpu": ON}, {"gpu": TOLD}, {})
    assert [each.at for each in await book.events()] == [2.0, 1.0]
    assert await book.write("one", {}, {"gpu": None})
    assert (await book.look()).powers == {}


async def test_events_are_kept_up_to_a_bound(book, server, monkeypatch):
    monkeypatch.setattr("router.ledger.power.KEPT_EVENTS", 3)
    await book.hold("one")
    await book.write("one", {}, {}, [event(float(at)) for at in range(5)])
    assert [each.at for each in await book.events()] == [4.0, 3.0, 2.0]
    await book.order("gpu", Order.ON, "admin")
    assert [each.at for each in await book.events()][1:] == [4.0, 3.0]
    assert len(await book.events(1)) == 1


async def test_an_order_says_who_gave_it_and_the_last_one_counts(book):
    await book.order("gpu", Order.ON, "admin (page)")
    given = await book.order("gpu", Order.OFF, "admin (token)")
    look = await book.look()
    assert look.orders == {"gpu": given} and given.order is Order.OFF and given.at == pytest.approx(look.now, abs=5)
    assert [(each.who, each.explanation) for each in await book.events()] == [
        ("admin (token)", "admin (token) ordered: off."),
        ("admin (page)", "admin (page) ordered: on."),
    ]


async def test_what_runs_is_added_up_over_workers_that_still_report(book, server):
    now = (await book.look()).now
    for id, at, inflight in (("a", now, 2), ("b", now, 3), ("c", now - 20, 9)):
        gpu = BackendStatus("gpu", "local", replicas=(ReplicaStatus("x", inflight=inflight),))
        status = WorkerStatus(id, "h", 1, 0.0, at, "v", backends=(gpu,))
        server.client.hset(SHARED_KEY, f"worker|{id}", msgspec.msgpack.encode(status))
    look = await book.look()
    assert (look.running, look.gateways) == ({"gpu": 5}, 2)


async def test_what_another_version_wrote_is_passed_over(book, server):
    server.client.hset(POWER_KEY, "state|gpu", b"\xc1")
    server.client.hset(SHARED_KEY, "wake|gpu", "now")
    server.client.lpush(POWER_EVENTS_KEY, b"\xc1")
    look = await book.look()
    assert (look.kept, look.wakes, await book.events()) == ({}, {}, [])


async def test_a_link_connects_anew_when_it_was_lost(server):
    link = PowerLink(server.url)
    first = await link.connection()
    assert await link.connection() is first
    first.lose("a test")
    assert await PowerBook(await link.connection()).hold("one")
    link.close()
    with pytest.raises(LedgerUnavailable):
        await PowerBook(first).look()
