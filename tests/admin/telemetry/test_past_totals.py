"""Days and hours that are over are added up before anybody asks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import structs
from support.control import POLICY
from support.totals import packed_totals

from router.admin.telemetry import past_totals
from router.admin.telemetry.past_totals import PastTotals
from router.config.load import plan_of
from router.core.values import Cell, Row
from router.ledger.redis_keys import pack_cell
from router.ledger.reports.periods import DAY_SUMS, HOUR_SUMS
from router.ledger.reports.totals import open_report
from router.ledger.reports.totals_by_dimension import KEPT_LOOKS, Look

NOW = 1_780_000_000.0  # 2026-05-28
GPU = Row(Cell("gpu", "local", "chat", "search", "app"), 1, 0, 10, 1, 5, 0, 300, 1, 0)
API = Row(Cell("api", "cloud", "chat", "sales", "bot"), 2, 1, 20, 2, 6, 400, 0, 0, 1, 4)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(past_totals, "SHARE", 1.0)


@pytest.fixture(scope="module")
def plan():
    return plan_of(POLICY.encode(), "policy.yaml", now=datetime(2026, 5, 28, tzinfo=UTC))


@pytest.fixture
def keeper(session_valkey, plan):
    return PastTotals(session_valkey, lambda: plan, lambda: NOW, frozenset())


def write(valkey, day: str, *rows: Row) -> None:
    write_cells(valkey, f"day:{day}", *rows)


def write_cells(valkey, place: str, *rows: Row) -> None:
    for row in rows:
        valkey.hset(f"be:{{ledger}}:{place}", pack_cell(row.cell), packed_totals(structs.astuple(row)[1:]))


def kept(valkey, day: str) -> set[str]:
    return fields(valkey, DAY_SUMS + day)


def fields(valkey, name: str) -> set[str]:
    return {field.decode() for field in valkey.hkeys(name)} - {"begun"}


async def test_each_day_that_is_over_and_has_anything_is_added_up_once(valkey, keeper):
    for day in ("2026-05-20", "2026-05-27", "2026-05-28"):
        write(valkey, day, GPU, API)
    assert (await keeper.add_up(), await keeper.add_up()) == (2, 0)
    assert kept(valkey, "2026-05-20") == kept(valkey, "2026-05-27") == {"b", "bm", "bt", "bk", "bmt", "btk", "names"}
    assert kept(valkey, "2026-05-28") == kept(valkey, "2026-05-19") == set(), "it changes still, or there is nothing"


async def test_so_is_each_hour_of_a_week_by_backend(valkey, keeper):
    present = int(NOW // 3600)
    for hour in (present - past_totals.HOURS - 1, present - past_totals.HOURS, present - 1, present):
        write_cells(valkey, f"hour:{hour}", GPU, API)
    assert (await keeper.add_up(), await keeper.add_up()) == (2, 0)
    first, last, running = (fields(valkey, f"{HOUR_SUMS}{present - ago}") for ago in (past_totals.HOURS, 1, 0))
    assert (first, last, running) == ({"b"}, {"b"}, set())


async def test_pages_find_all_of_it(valkey, session_valkey, keeper, monkeypatch):
    write(valkey, "2026-05-20", GPU, API)
    await keeper.add_up()
    async with open_report(session_valkey) as report:
        monkeypatch.setattr(report, "_tally_script", "return redis.error_reply('it is added up already')")
        for look in KEPT_LOOKS:
            (tally,) = await report.days_by(look, ["2026-05-20"], "2026-05-28")
            assert sum(row.requests for row in tally.rows) == 3


async def test_pages_find_the_hours_too(valkey, session_valkey, keeper, monkeypatch):
    present = int(NOW // 3600)
    write_cells(valkey, f"hour:{present - 5}", GPU, API)
    await keeper.add_up()
    async with open_report(session_valkey) as report:
        monkeypatch.setattr(report, "_tally_script", "return redis.error_reply('it is added up already')")
        tallies = await report.hours_by(Look(names=False), range(present - past_totals.HOURS, present), present)
    assert [sum(row.requests for row in tally.rows) for tally in tallies if tally.rows] == [3]


async def test_a_corrected_day_is_added_up_again(valkey, keeper):
    write(valkey, "2026-05-20", GPU)
    await keeper.add_up()
    valkey.delete(DAY_SUMS + "2026-05-20")
    assert (await keeper.add_up(), await keeper.add_up()) == (1, 0)
    assert kept(valkey, "2026-05-20")


async def test_a_team_with_members_is_kept_without_the_others(valkey, session_valkey, plan):
    keeper = PastTotals(session_valkey, lambda: plan, lambda: NOW, frozenset({"search"}))
    write(valkey, "2026-05-20", GPU, API)
    await keeper.add_up()
    assert {"b@search", "bm@search", "bk@search"} <= kept(valkey, "2026-05-20")
