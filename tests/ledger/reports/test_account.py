"""Accounts of days, from totals and rent."""

from __future__ import annotations

import msgspec
import pytest
from support.rented import rent_book
from support.totals import packed_totals

from router.core.cost.net import Net
from router.core.cost.rent import Accrual, Meter, RentEntry, RentState
from router.core.policy import Policy, Zone
from router.core.values import Cell, Row
from router.ledger.redis_keys import OWNED_KEY, pack_cell
from router.ledger.reports.account import owned_zones, part_of, read_account
from router.ledger.reports.totals import open_report
from router.ledger.reports.totals_by_dimension import Look

DAY = "2026-05-20"
GPU = Row(Cell("gpu", "local", "chat", "search", "app"), 1, input=300, counterfactual=900, eligible_tokens=300)
OTHER = Row(Cell("gpu", "local", "chat", "sales", "bot"), 1, input=100, counterfactual=100, eligible_tokens=100)
API = Row(Cell("api", "cloud", "chat", "search", "app"), 1, input=10, cost=40, eligible_tokens=10, cloud_value=40)
OWNED = frozenset({"local"})


@pytest.fixture
async def report(server):
    for row in (GPU, OTHER, API):
        figures = packed_totals(msgspec.structs.astuple(row)[1:])
        server.client.hset(f"be:{{ledger}}:day:{DAY}", pack_cell(row.cell), figures)
    entry = RentEntry(DAY, RentState.BUSY, 1000, 400)
    async with rent_book(server.url) as book:
        await book.accrue({("gpu", 0): Accrual(Meter(), Meter(1), (entry,))}, 86_400)
    async with open_report(server.url) as report:
        yield report


async def test_rent_is_shared_whatever_rows_are_told_apart_by(report):
    account, tallies = await read_account(report, [DAY], Look(("team",)), DAY, OWNED)
    assert account.total() == Net(1040, 40, 400)
    shares = {name: net.rent for name, net in account.by(lambda row: row.cell.team).items()}
    assert shares == {"search": 300, "sales": 100}
    assert {row.cell.backend for row in tallies[0].rows} == {"gpu", "api"}


async def test_a_part_has_its_share_of_what_all_used(report):
    account, _ = await read_account(report, [DAY], Look(("model",), {"team": frozenset({"sales"})}), DAY, OWNED)
    assert account.total() == Net(100, 0, 100)


async def test_a_zone_that_the_policy_names_no_more_is_what_it_was(report, server):
    server.client.sadd(OWNED_KEY, "local", "old%7Crack")
    assert await owned_zones(report) == {"local", "old|rack"}
    policy = Policy.model_construct(zones={"local": Zone(), "new": Zone(owned=True)})
    assert await owned_zones(report, policy) == {"new", "old|rack"}


async def test_some_of_its_days_are_an_account_too(report):
    days = ["2026-05-19", DAY, "2026-05-21"]
    account, _ = await read_account(report, days, Look(("backend",)), DAY, OWNED)
    assert part_of(account, DAY, DAY).total() == account.total() == Net(1040, 40, 400)
    assert part_of(account, "2026-05-21", "2026-05-21").total() == Net()
    sales, _ = await read_account(report, days, Look(("backend",), {"team": frozenset({"sales"})}), DAY, OWNED)
    assert not part_of(sales, DAY, DAY).complete and part_of(sales, DAY, DAY).total() == Net(100, 0, 100)
