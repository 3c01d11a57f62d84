from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.limits.counters import Hold
from router.core.values import Cell
from router.ledger.redis_keys import (
    Calendar,
    CellNames,
    ReservationIds,
    TimeSlot,
    lease_bucket,
    pack_cell,
    pack_hold,
    unpack_cell,
    unpack_counter,
    unpack_row,
)

names = st.text(alphabet=st.one_of(st.sampled_from("|%7C25"), st.characters(exclude_categories=["Cs"])))
cells = st.builds(Cell, names, names, names, names, names)


@given(cells)
def test_a_cell_can_be_read_back(cell):
    assert unpack_cell(pack_cell(cell)) == cell


@given(st.lists(cells, unique=True))
def test_different_cells_have_different_fields(cells):
    assert len({pack_cell(cell) for cell in cells}) == len(cells)


def test_fields_are_remembered():
    remembered, cell = CellNames(), Cell("gpu", "local", "chat", "search", "a|b")
    assert remembered.field(cell) == remembered.field(cell) == "gpu|local|chat|search|a%7Cb"


def test_a_slot_is_local_by_day():
    calendar = Calendar(ZoneInfo("Asia/Kathmandu"))  # 5 h 45 min ahead
    assert calendar.slot(1_779_300_899.0) == TimeSlot("2026-05-20", 494_250, 1_977_000)
    assert calendar.slot(1_779_300_900.0) == TimeSlot("2026-05-21", 494_250, 1_977_001)


def test_an_id_begins_with_the_minute_when_it_expires():
    assert lease_bucket(0.0, 59.0) == 1
    assert lease_bucket(0.0, 60.0) == 2
    assert ReservationIds().next_id(60.0, 900.0)[:8] == "00000017"


def test_a_hold_says_what_charging_it_needs():
    cell = Cell("a", "b", "c", "d", "e")
    hold = Hold("00000001x", cell, 9.5, 60.0, 1, 2, 3, True, request="req-1", local_cost=4, cost_at_risk=5)
    packed = pack_hold(hold, TimeSlot("1970-01-01", 0, 0), "a|b|c|d|e", "")
    assert msgspec.msgpack.decode(packed) == [
        "1970-01-01",
        0,
        0,
        1,
        2,
        3,
        4,
        True,
        "a|b|c|d|e",
        "",
        9.5,
        "req-1",
        5,
        0,
        0,
        1,
    ]


@pytest.mark.parametrize(
    ("header", "unit"), [(b"\x99", 1000), (b"\x9a", 1000), (b"\xdc\0\x0a", 1000), (b"\xdd\0\0\0\x0a", 1)]
)
def test_the_header_of_totals_says_the_unit_of_their_money(header: bytes, unit: int):
    columns = bytes([1, 2, 3, 4, 5, 0xCD, 1, 0, 7, 8, 9]) + b"\x0a" * (header != b"\x99")
    row = unpack_row(b"a|b|c|d|e", header + columns)
    assert (row.cell.key, row.requests, row.output, row.unsettled) == ("e", 1, 5, 9)
    assert (row.cost, row.counterfactual) == (256 * unit, 7 * unit)


@pytest.mark.parametrize(("measure", "unit"), [("usd", 1000), ("tokens", 1), ("requests", 1), ("concurrent", 1)])
def test_the_header_of_a_counter_says_the_unit_of_its_money(measure: str, unit: int):
    field = f"key:app|all||{measure}"
    assert unpack_counter(field, b"\x93\1\2\3") == (unit, 2 * unit, 3 * unit)
    assert unpack_counter(field, b"\xdc\0\3\1\2\3") == (1, 2, 3)
