"""Thirty days that never were, in the ledger as if they had been."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from router.app.demo_history import DAYS, HOUR, History, history, seed
from router.app.demo_policy import CLOUD, GPU, demo_policy, make_senders
from router.config.load import load
from router.core.cost.net import Net
from router.core.cost.rent import RentState
from router.core.values import Plan
from router.ledger.power import open_power
from router.ledger.reports.account import owned_zones, read_account
from router.ledger.reports.totals import day_range, day_start, open_report
from router.ledger.reports.totals_by_dimension import Look
from router.ledger.server.embedded import EmbeddedServer
from router.simulate.day import recorded_day

UTC = ZoneInfo("UTC")
MONTH = day_range("2026-10-26", "2026-11-24")
URLS = {"local": "http://127.0.0.1:1/v1", "cloud": "http://127.0.0.1:2/v1"}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    path = tmp_path_factory.mktemp("demo") / "policy.yaml"
    path.write_text(demo_policy(URLS, make_senders()))
    return load(path)


@pytest.fixture(scope="module")
def past(plan: Plan) -> History:
    return history(plan, recorded_day(), MONTH, UTC)


def test_it_is_the_same_every_time(plan: Plan, past: History) -> None:
    assert len(MONTH) == DAYS and past == history(plan, recorded_day(), MONTH, UTC)


def on_during(past: History, hour: float) -> bool:
    """Whether the GPU was on in the hour that begins then."""
    changes = [each.after for each in past.switches if each.at <= hour]
    return bool(changes) and changes[-1] in ("starting", "on")


def test_what_may_not_leave_stayed_and_all_else_went_where_the_gpu_was(past: History) -> None:
    assert all(each.local for each in past.requests if each.captive)
    free = [each for each in past.requests if not each.captive]
    assert all(each.local is on_during(past, each.at // HOUR * HOUR) for each in free)
    assert {each.cell.backend for each in free} == {GPU, CLOUD}
    assert {each.reason for each in past.switches} >= {"saves", "too-little", "waiting"}


def test_rent_is_paid_for_hours_that_it_was_on(past: History) -> None:
    first = day_start(MONTH[0], UTC)
    hours = sum(on_during(past, first + hour * HOUR) for hour in range(24 * DAYS))
    assert 0 < hours < 24 * DAYS
    assert past.switches[-1].after == "off"
    assert sum(each.milliseconds for each in past.rent) == hours * HOUR * 1000
    assert {each.state for each in past.rent} == {RentState.BUSY, RentState.IDLE}
    assert sum(each.nano_usd for each in past.rent) / 1e9 == pytest.approx(0.79 * hours)


async def test_the_ledger_has_it_all(plan: Plan, past: History, tmp_path: Path) -> None:
    few = History(past.requests[:300], past.rent, past.switches[-20:])
    server = EmbeddedServer(tmp_path / "data")
    try:
        url = server.start()
        await seed(url, plan, few, 1_795_564_800.0)
        async with open_report(url) as report:
            owned = await owned_zones(report, plan.policy)
            account, _ = await read_account(report, MONTH, Look(("backend",)), MONTH[-1], owned)
        async with open_power(url) as book:
            events = await book.events()
            assert await book.hold("another")
    finally:
        server.stop()
    net = account.total()
    assert isinstance(net, Net) and net.rent == sum(each.nano_usd for each in past.rent)
    rows = [row for day in account.rows for row in day]
    assert sum(row.requests for row in rows) == 300
    assert account.captive().requests == sum(each.captive for each in few.requests)
    assert sum(row.input + row.output for row in rows) == sum(each.usage.total for each in few.requests)
    assert net.cloud_alone == pytest.approx(sum(row.cloud_value for row in rows), abs=1)
    assert [each.at for each in events] == sorted((each.at for each in few.switches), reverse=True)
