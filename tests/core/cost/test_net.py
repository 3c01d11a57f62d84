"""The one definition of what was saved or lost."""

from __future__ import annotations

import pytest

from router.core.cost.net import Account, Captive, Groups, Net, net_of
from router.core.cost.rent import RentRow, RentState
from router.core.values import Cell, Row

OWNED = frozenset({"local"})
DAY, NEXT = "2026-05-20", "2026-05-21"


def row(backend: str = "gpu", team: str = "search", **figures: int) -> Row:
    zone = "local" if backend.startswith("gpu") else "cloud"
    return Row(Cell(backend, zone, "chat", team, "app"), **{"requests": 1, "input": 100, **figures})


SERVED = row(cost=5, counterfactual=900, eligible_tokens=100)
BOUGHT = row("api", cost=400, cloud_value=400, eligible_tokens=100)
STAYED = row(cost=7, captive=1, captive_tokens=100, captive_cost=7)
UNCOMPARED = row(cost=3)


def test_net_is_the_cloud_alone_less_what_was_bought_and_the_rent():
    found = net_of([SERVED, BOUGHT], OWNED, rent=100)
    assert found == Net(1300, 405, 100)
    assert (found.not_bought, found.net) == (895, 795)


def test_what_could_not_leave_is_no_part_of_it():
    assert net_of([SERVED, STAYED], OWNED) == net_of([SERVED], OWNED)
    assert net_of([STAYED], OWNED, rent=10).net == -10


@pytest.mark.parametrize("rows", [[UNCOMPARED], [UNCOMPARED, STAYED]])
def test_without_a_cloud_price_there_is_none_to_compare_with(rows):
    found = net_of(rows, OWNED, rent=10)
    assert (found.cloud_alone, found.not_bought, found.net, found.rent) == (None, None, None, 10)


@pytest.mark.parametrize("other", [SERVED, BOUGHT])
def test_what_has_a_price_is_compared(other):
    assert net_of([UNCOMPARED, other], OWNED).cloud_alone == net_of([other], OWNED).cloud_alone


def test_where_nothing_was_asked_nothing_was_saved():
    assert net_of([], OWNED) == Net(0, 0, 0)


def rent(day: str, state: RentState, nano: int, backend: str = "gpu") -> RentRow:
    return RentRow(day, backend, 0, state, 1000, nano)


RENT = [
    rent(DAY, RentState.BUSY, 1000),
    rent(DAY, RentState.IDLE, 500),
    rent(NEXT, RentState.BUSY, 90),
    rent(NEXT, RentState.BUSY, 10, "gpu2"),
]


def account(rows: list[list[Row]], everything: list[list[Row]] | None = None) -> Account:
    return Account([DAY, NEXT], rows, rows if everything is None else everything, RENT, OWNED)


def test_rent_of_work_is_allocated_by_the_tokens_of_each_day_and_backend():
    ours, theirs = row(input=300), row(team="sales", input=100)
    made = account([[ours, theirs, BOUGHT], [theirs]])
    assert made.total().rent == 1600
    assert {name: net.rent for name, net in made.by(lambda each: each.cell.team).items()} == {
        "search": 750,
        "sales": 340,
    }
    assert (made.used(), made.unused()) == (1090, 510)  # nobody used gpu2
    assert made.rent_by_state() == {RentState.BUSY: 1100, RentState.IDLE: 500}


def test_days_add_up_to_their_total():
    made = account([[row(input=300), BOUGHT], [SERVED]])
    assert made.daily() == [Net(400, 400, 1500), Net(900, 5, 100)]
    part = account([[row(input=100)], []], [[row(input=100), row(input=300)], []])
    assert [net.rent for net in part.daily()] == [250, 0]


def test_a_part_of_the_traffic_has_its_share_alone():
    ours, theirs = row(input=300), row(team="sales", input=100)
    part = account([[ours], []], [[ours, theirs], [theirs]])
    assert (part.complete, part.total().rent, part.unused()) == (False, 750, 510)


def test_what_could_not_leave_is_told_with_its_share_of_the_rent():
    made = account([[STAYED, row(input=300)], []])
    assert made.captive() == Captive(1, 100, 7, 250)


def test_where_all_is_asked_for_by_key_what_it_came_to_is_read_from_fewer_rows():
    """As if the rows themselves had been added up."""
    ours, theirs = row(input=300), row(team="sales", input=100)
    rows, fewer = [[ours, theirs, STAYED], [theirs]], [[row(input=400), STAYED], [row(input=100)]]
    whole, plain = Account([DAY, NEXT], rows, fewer, RENT, OWNED, whole=True), account(rows)
    assert whole.complete and whole.fewest is fewer
    assert (whole.total(), whole.daily(), whole.captive()) == (plain.total(), plain.daily(), plain.captive())
    assert (whole.used(), whole.unused()) == (plain.used(), plain.unused())
    assert whole.by(lambda each: each.cell.team) == plain.by(lambda each: each.cell.team)


def test_groups_of_some_days_and_of_others_are_those_of_all():
    ours, theirs = row(input=300), row(team="sales", input=100)
    days = {DAY: [ours, theirs, BOUGHT], NEXT: [theirs, SERVED]}
    made = account(list(days.values()))
    whole, *parts = (Groups(made.worked(), made.served()) for _ in range(3))
    for part, (day, rows) in zip(parts, days.items(), strict=True):
        whole.add(day, rows)
        part.add(day, rows)
    before = parts[1].by(lambda each: each.cell.team)
    parts[0].add_all(parts[1])
    assert parts[0].by(lambda each: each.cell.team) == whole.by(lambda each: each.cell.team)
    parts[0].add(DAY, [ours])
    assert parts[1].by(lambda each: each.cell.team) == before
    (both,), rent = whole.by(lambda each: each.cell.team)["sales"]
    assert (both.input, both.requests, rent) == (200, 2, 295)
