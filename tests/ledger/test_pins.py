"""Pins on every engine: two gateways see the same ones, labels are only added, and nothing can be read out of keys."""

from __future__ import annotations

import asyncio

import pytest
from support.waiting import until

from router.core.bookings import Booking
from router.core.pins import Pin
from router.core.values import Cell, PriceTier, Rates, Settlement, Tariff, Usage
from router.ledger.errors import LedgerUnavailable
from router.ledger.pins import AT_ONCE, key_of, unpack_pin

PIN = Pin(backend="api", replica="r1", model="chat", team="search", key="app", levels=("public",), tags=("pii",))
DAY = 86_400.0
CLOUD = Cell("openai", "cloud", "chat", "search", "app")
BOOKED = Settlement("id", CLOUD, 1.0, Usage(20, output=900, estimated=True), 5, 7, error=False, eligible=True)
BOOKING = Booking(BOOKED, 100, 1000, Tariff((PriceTier(0, Rates(1.0, 2.0, 0.5, 1.0)),)))


async def test_another_gateway_finds_what_one_remembers(new_ledger):
    one, other = await new_ledger(), await new_ledger()
    await one.pins.remember(["resp_1", "conv_1"], PIN, DAY)
    assert await other.pins.find(["conv_1", "resp_1", "resp_2"]) == {"resp_1": PIN, "conv_1": PIN}
    assert await other.pins.find([]) == {}


async def test_labels_are_added_and_nothing_else_ever_changes(new_ledger):
    one, other = await new_ledger(), await new_ledger()
    await one.pins.remember(["conv_1"], PIN, DAY)
    raised = Pin(
        backend="elsewhere", replica="r2", model="", team="sales", key="x", levels=("restricted",), tags=("health",)
    )
    await asyncio.gather(*(each.pins.remember(["conv_1"], raised, DAY) for each in (one, other)))
    assert await one.pins.find(["conv_1"]) == {"conv_1": PIN.labelled(["restricted"], ["health"])}


async def test_gateways_that_write_at_once_lose_no_label(new_ledger):
    gateways = [await new_ledger() for _ in range(2)]
    await gateways[0].pins.remember(["conv_1"], PIN, DAY)
    levels = [f"level{number}" for number in range(20)]
    await asyncio.gather(
        *(
            gateways[number % 2].pins.remember(["conv_1"], PIN.labelled([level], []), DAY)
            for number, level in enumerate(levels)
        )
    )
    found = await gateways[1].pins.find(["conv_1"])
    assert found["conv_1"].levels == tuple(sorted([*levels, "public"]))


async def test_what_is_deleted_is_forgotten(ledger):
    await ledger.pins.remember(["file-1", "file-2"], PIN, DAY)
    await ledger.pins.forget(["file-1"])
    assert [*await ledger.pins.find(["file-1", "file-2"])] == ["file-2"]


async def test_many_ids_are_found_in_calls_of_bounded_size(ledger):
    ids = [f"file-{number}" for number in range(2 * AT_ONCE + 1)]
    await ledger.pins.remember(ids, PIN, DAY)
    assert [*await ledger.pins.find(ids)] == ids


async def test_a_pin_expires_after_its_last_use(ledger, server):
    await ledger.pins.remember(["resp_1"], PIN, 1000.0)
    assert 990 <= server.client.ttl(key_of("resp_1")) <= 1000
    await ledger.pins.remember(["resp_1"], PIN, DAY)
    assert server.client.ttl(key_of("resp_1")) > 1000


async def test_no_id_stands_in_the_ledger(ledger, server):
    await ledger.pins.remember(["resp_secret"], PIN, DAY)
    [key] = [key for key in server.client.keys("*") if b":pin:" in key]
    assert key.startswith(b"be:{ledger}:pin:")
    assert b"secret" not in key + b"".join(b"".join(pair) for pair in server.client.hgetall(key).items())


async def test_while_the_server_is_lost_nothing_is_found_and_what_was_stored_waits(new_ledger, server):
    ledger = await new_ledger(timeout=0.3)
    await ledger.pins.remember(["resp_1"], PIN, DAY)
    with server.frozen():
        with pytest.raises(LedgerUnavailable):
            await ledger.pins.find(["resp_1"])
        assert not ledger.available
        for id in ("resp_2", "resp_3"):
            with pytest.raises(LedgerUnavailable):
                await ledger.pins.remember([id], PIN, DAY)
    await until(lambda: ledger.available)
    assert [*await ledger.pins.find(["resp_1", "resp_2", "resp_3"])] == ["resp_1", "resp_2", "resp_3"]


async def test_a_server_that_refuses_is_a_ledger_that_cannot_be_asked(ledger, server):
    server.client.set(key_of("resp_1"), "no hash")
    with pytest.raises(LedgerUnavailable, match="WRONGTYPE"):
        await ledger.pins.find(["resp_1"])
    server.client.delete(key_of("resp_1"))
    assert await ledger.pins.find(["resp_1"]) == {}


def test_what_cannot_be_read_is_nobodys():
    assert unpack_pin([]) is None
    assert unpack_pin([b"l:public", b""]) is None
    assert unpack_pin([b"pin", b"\x91\x01"]) is None


async def test_what_was_booked_is_given_to_one_of_all_who_ask(new_ledger, server):
    one, other = await new_ledger(), await new_ledger()
    await one.pins.remember(["resp_1"], PIN, DAY)
    await one.pins.book("resp_1", BOOKING, DAY)
    assert await other.pins.find(["resp_1"]) == {"resp_1": PIN}
    taken = await asyncio.gather(*(each.pins.take_booking("resp_1") for each in (one, other, one, other)))
    assert [each for each in taken if each is not None] == [BOOKING]
    assert await one.pins.take_booking("resp_1") is None and await one.pins.take_booking("resp_2") is None
    assert await other.pins.find(["resp_1"]) == {"resp_1": PIN}
    server.client.hset(key_of("resp_1"), "b", b"of another version")
    assert await one.pins.take_booking("resp_1") is None
