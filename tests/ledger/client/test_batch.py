"""Operations as the payloads of scripts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest

from router.core.limits.counters import NO_COUNTERS, Hold
from router.core.values import Cell, Settlement, Usage
from router.ledger.client.batch import Batch, Count, Held, Note, Packer, Release, Sender, batch_of
from router.ledger.redis_keys import Calendar

MORNING = 1_779_267_600.0
CELL = Cell("api", "cloud", "chat", "search", "app")
NUMBER, BEFORE, AFTER = 7, 9, 10


def count(n: int) -> Count:
    settlement = Settlement(f"29654460{n:04}", CELL, MORNING, Usage(1, 0, 0, 1), 5, 0, False, True)
    return Count(settlement, NO_COUNTERS, b"\x90")


def release(n: int) -> Release:
    return Release(Held(Hold(f"29654460{n:04}", CELL, MORNING, 900.0, 1, 1, 1, True), 3), doubtful=True)


def parts_of(batch: Batch, size: int, part: int = 0) -> list[tuple[int, int, int, int]]:
    """Operations, how many were applied before, how many then, and what the caller is told."""
    sender = Sender("w", 100, (), "e", 1, 4, part)
    payloads = Packer(Calendar(ZoneInfo("UTC"))).in_parts(batch, sender, size)
    found = []
    for payload, told in payloads:
        head = msgspec.msgpack.decode(payload, type=list[msgspec.Raw])
        found.append((len(msgspec.msgpack.decode(head[8], type=list[msgspec.Raw])), *map(number, head[9:11]), told))
    return found


def number(raw: msgspec.Raw) -> int:
    return msgspec.msgpack.decode(raw, type=int)


def test_a_small_batch_is_one_part():
    assert parts_of(batch_of(5, [count(1), count(2)]), 10) == [(2, 0, -1, 0)]
    assert parts_of(batch_of(5, []), 10) == [(0, 0, -1, 0)]


def test_each_part_says_where_it_begins_and_ends():
    batch = batch_of(5, [count(n) for n in range(5)])
    assert parts_of(batch, 2) == [(2, 0, 2, 2), (2, 2, 4, 4), (1, 4, -1, 0)]


def test_what_is_not_journaled_comes_last_and_is_not_counted_as_applied():
    batch = batch_of(5, [release(1), count(2), release(3), Note(b"\x90"), release(4)])
    assert parts_of(batch, 2) == [(2, 0, 2, 2), (2, 2, 2, 2), (1, 2, -1, 0)]


@pytest.mark.parametrize("part", [0, 1, 4, 5])
def test_it_goes_on_where_the_books_are(part):
    parts = parts_of(batch_of(5, [count(n) for n in range(5)]), 2, part)
    assert sum(number for number, *_ in parts) == 5 - part
    assert parts[0][1] == part and parts[-1][2] == -1


def test_releases_have_no_record():
    assert batch_of(1, [count(1), release(2)]).records == 1
