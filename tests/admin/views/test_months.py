"""Where a month is going, from accounts of days."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from router.admin.ledger_session import Days, begin_of
from router.admin.views.months import Months, forecast_of
from router.core.cost.net import Account
from router.core.cost.rent import RentRow, RentState
from router.core.values import Cell, Row
from router.ledger.reports.totals import day_range

BERLIN = ZoneInfo("Europe/Berlin")
NAMES = day_range("2026-10-01", "2026-11-25")
NOON = begin_of("2026-11-25", BERLIN) + 12 * 3600
GPU = Row(Cell("gpu", "local", "", "", ""), 1, input=100, counterfactual=5_000_000, eligible_tokens=100)
TWINLESS = Row(Cell("gpu", "local", "", "", ""), 1, input=100)


def months(rows: dict[str, Row], rent: dict[str, int]) -> Months:
    daily = [[rows[day]] if day in rows else [] for day in NAMES]
    rented = [RentRow(day, "gpu", 0, RentState.IDLE, 1000, nano) for day, nano in rent.items()]
    account = Account(NAMES, daily, daily, rented, frozenset({"local"}))
    this, last = Days("2026-11-01", "2026-11-25", BERLIN), Days("2026-10-01", "2026-10-31", BERLIN)
    return Months(this, last, account)


def test_it_goes_on_as_days_with_traffic_went():
    rows = {"2026-11-23": GPU, "2026-11-24": GPU, "2026-11-25": GPU}
    found = forecast_of(months(rows, {"2026-11-23": 1_000_000, "2026-11-24": 3_000_000}), NOON)
    assert found is not None and found.day == "2026-11-30"
    assert found.cloud_alone_micro_usd == 15_000 + 5.5 * 5_000
    assert found.rent_micro_usd == 4_000 + 5.5 * 2_000
    assert found.net_micro_usd == pytest.approx(11_000 + 5.5 * 3_000)
    assert found.net_low_micro_usd is not None and found.net_high_micro_usd is not None
    assert found.net_low_micro_usd < found.net_micro_usd < found.net_high_micro_usd


def test_the_days_of_the_month_before_count_and_of_one_day_there_is_no_range():
    found = forecast_of(months({"2026-11-24": GPU}, {}), NOON)
    assert found is not None
    assert (found.net_micro_usd, found.net_low_micro_usd) == (5_000 + 5.5 * 5_000, None)
    early = forecast_of(months(dict.fromkeys(day_range("2026-10-30", "2026-11-24"), GPU), {}), NOON)
    assert early is not None and early.net_micro_usd == 24 * 5_000 + 5.5 * 5_000


def test_before_a_day_with_traffic_is_over_nothing_is_foretold():
    assert forecast_of(months({"2026-11-25": GPU}, {}), NOON) is None


def test_where_there_is_no_cloud_price_only_what_is_paid_is_foretold():
    found = forecast_of(months({"2026-11-24": TWINLESS, "2026-11-25": TWINLESS}, {"2026-11-24": 1_000_000}), NOON)
    assert found is not None
    assert (found.cloud_alone_micro_usd, found.net_micro_usd, found.rent_micro_usd) == (None, None, 1_000 + 5_500)
