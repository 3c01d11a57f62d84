"""On every engine: rent is added once, whoever adds it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.rented import rent_book

from router.core.cost.rent import Accrual, Meter, RentEntry, RentRow, RentState
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import RENT_METERS_KEY, RENT_PREFIX

DAY, NEXT = "2026-05-20", "2026-05-21"
FIRST, SECOND, THIRD = Meter(1000, 500), Meter(2000, 500), Meter(3000)
YEAR = 366 * 86_400
UNIT = ("gpu|<b>", 0)


@pytest.fixture
async def book(server):
    async with rent_book(server.url) as book:
        yield book


def step(before: Meter, after: Meter, *entries: tuple[str, RentState, int, int]) -> Accrual:
    return Accrual(before, after, tuple(RentEntry(*entry) for entry in entries))


ONE = step(Meter(), FIRST, (DAY, RentState.IDLE, 500, 7), (NEXT, RentState.BUSY, 300, 5))
TWO = step(FIRST, SECOND, (NEXT, RentState.BUSY, 1000, 2**60))


async def test_entries_add_up_by_day_unit_and_state(book, server):
    assert await book.accrue({UNIT: ONE, ("gpu|<b>", 1): ONE}, YEAR) == 2
    assert await book.accrue({UNIT: TWO}, YEAR) == 1
    assert await book.meters() == {UNIT: SECOND, ("gpu|<b>", 1): FIRST}
    assert await book.days([DAY, NEXT, "2026-05-22"]) == [
        RentRow(DAY, "gpu|<b>", 0, RentState.IDLE, 500, 7),
        RentRow(DAY, "gpu|<b>", 1, RentState.IDLE, 500, 7),
        RentRow(NEXT, "gpu|<b>", 0, RentState.BUSY, 1300, 2**60 + 5),
        RentRow(NEXT, "gpu|<b>", 1, RentState.BUSY, 300, 5),
    ]
    assert 0 < server.client.ttl(RENT_PREFIX + DAY) <= YEAR
    assert server.client.ttl(RENT_METERS_KEY) == -1


async def test_two_that_add_the_same_time_count_it_once(book):
    assert [await book.accrue({UNIT: ONE}, YEAR) for _ in range(3)] == [1, 0, 0]
    assert await book.accrue({UNIT: replace(TWO, before=Meter(999, 500))}, YEAR) == 0
    assert [row.nano_usd for row in await book.days([DAY, NEXT])] == [7, 5]


async def test_what_has_not_moved_is_not_sent(book, server):
    await book.accrue({UNIT: step(FIRST, FIRST)}, YEAR)
    assert not server.client.exists(RENT_METERS_KEY)


async def test_many_units_go_in_several_calls(book):
    units = {("gpu", number): ONE for number in range(30)}
    assert await book.accrue(units, YEAR) == 30
    assert len(await book.days([DAY])) == 30


async def test_a_unit_that_is_off_is_accounted_for_too(book):
    await book.accrue({UNIT: ONE}, YEAR)
    await book.accrue({UNIT: step(FIRST, THIRD)}, YEAR)
    assert await book.meters() == {UNIT: THIRD}


async def test_a_server_that_refuses_is_said(book, server):
    server.client.set(RENT_METERS_KEY, "no hash")
    with pytest.raises(LedgerUnavailable):
        await book.meters()
