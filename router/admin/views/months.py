"""This month so far and the one before it, and where this one is going."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from router.admin.answers.spend import Forecast
from router.admin.ledger_session import Days, begin_of, next_day
from router.core.cost.forecast import Forecast as Sum
from router.core.cost.forecast import forecast
from router.core.cost.net import Account, Net
from router.core.money import micro_usd
from router.ledger.reports.account import part_of, read_account
from router.ledger.reports.totals import Report, day_range
from router.ledger.reports.totals_by_dimension import Look

MOST_DAYS = 28
"""That a forecast is taken from."""
_DAY_SECONDS = 86_400


class Months(Struct, frozen=True):
    this: Days
    """Its days so far."""
    last: Days
    account: Account
    """Of the days of both."""


async def months_of(report: Report, look: Look, today: Days, owned: frozenset[str]) -> Months:
    """Raises `LedgerUnavailable`."""
    this, last = _days_of(today)
    by_backend = replace(look, by=("backend",), names=False)
    account, _ = await read_account(report, day_range(last.first, this.last), by_backend, today.last, owned)
    return Months(this, last, account)


def months_in(account: Account, today: Days) -> Months:
    """Those of an account that has the days of both, and maybe earlier ones."""
    this, last = _days_of(today)
    return Months(this, last, part_of(account, last.first, this.last))


def _days_of(today: Days) -> tuple[Days, Days]:
    first = date.fromisoformat(today.last).replace(day=1)
    end, zone = first - timedelta(days=1), today.timezone
    return (
        Days(first.isoformat(), today.last, zone),
        Days(end.replace(day=1).isoformat(), end.isoformat(), zone),
    )


def forecast_of(months: Months, now: float) -> Forecast | None:
    """From the days of both months that are over, as far back as the last 28 and the first one with traffic; None
    before a day is over."""
    today = months.this.last
    so_far = part_of(months.account, months.this.first, today).total()
    nets = [
        (net, bool(rows))
        for day, net, rows in zip(months.account.days, months.account.daily(), months.account.rows, strict=True)
        if day < today
    ][-MOST_DAYS:]
    used = next((at for at, (_, traffic) in enumerate(nets) if traffic), len(nets))
    over = [net for net, _ in nets[used:]]
    first = date.fromisoformat(months.this.first)
    last = ((first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).isoformat()
    left = (begin_of(next_day(last), months.this.timezone) - now) / _DAY_SECONDS

    def going(value: Callable[[Net], int | None]) -> Sum | None:
        values = [value(so_far), *map(value, over)]
        known = [each for each in values if each is not None]
        return forecast(known[0], known[1:], left) if len(known) == len(values) else None

    bought, rent = going(lambda net: net.bought), going(lambda net: net.rent)
    if bought is None or rent is None:
        return None
    alone, net = going(lambda net: net.cloud_alone), going(lambda net: net.net)
    return Forecast(
        day=last,
        bought_micro_usd=micro_usd(round(bought.likely)),
        rent_micro_usd=micro_usd(round(rent.likely)),
        cloud_alone_micro_usd=None if alone is None else _micro(alone.likely),
        net_micro_usd=None if net is None else _micro(net.likely),
        net_low_micro_usd=None if net is None else _micro(net.low),
        net_high_micro_usd=None if net is None else _micro(net.high),
    )


def _micro(nano: float | None) -> float | None:
    return None if nano is None else micro_usd(round(nano))
