"""What goes with a batch, and what stays for the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from types import SimpleNamespace

import pytest

from router.core.values import Cell
from router.ledger.client.batch import Count, Note
from router.ledger.client.waiting import (
    BATCH_LIMIT,
    DIFFERENT_LIMIT,
    LOOKED_AT_LIMIT,
    take_operations,
    take_reserved,
)


def reserved(counters: object, *, done: bool = False):
    """A hold with these counters, and who waits for it."""
    future = asyncio.get_running_loop().create_future()
    if done:
        future.cancel()
    return SimpleNamespace(counters=counters), future


def looking_at(number: int) -> SimpleNamespace:
    return SimpleNamespace(all=(None,) * number)


async def test_as_many_holds_as_one_call_takes_go_first():
    same = looking_at(3)
    waiting = [reserved(same) for _ in range(7)]
    first = waiting[:5]
    assert take_reserved(waiting, 5) == first and len(waiting) == 2


async def test_who_waits_no_more_is_passed_over_and_gone():
    waiting = [reserved(looking_at(1), done=True), reserved(looking_at(1))]
    still = waiting[1]
    assert take_reserved(waiting, 9) == [still] and waiting == []


@pytest.mark.parametrize(("each", "taken"), [(LOOKED_AT_LIMIT // 4, 4), (LOOKED_AT_LIMIT + 1, 1)])
async def test_holds_of_many_counters_go_in_several_calls_but_one_goes_whole(each, taken):
    waiting = [reserved(looking_at(each)) for _ in range(6)]
    assert len(take_reserved(waiting, BATCH_LIMIT)) == taken and len(waiting) == 6 - taken


def count(cell: Cell) -> Count:
    return Count(SimpleNamespace(cell=cell), SimpleNamespace(), b"")


def test_operations_are_bounded_by_their_number_and_by_the_cells_that_they_are_about():
    notes = deque(Note(b"") for _ in range(BATCH_LIMIT + 1))
    assert len(take_operations(notes)) == BATCH_LIMIT and len(notes) == 1
    cells = [Cell("gpu", "local", "chat", "search", f"key-{n}") for n in range(DIFFERENT_LIMIT + 3)]
    different = deque(map(count, cells))
    assert len(take_operations(different)) == DIFFERENT_LIMIT and len(different) == 3
    assert len(take_operations(deque(count(cells[0]) for _ in range(50)))) == 50
