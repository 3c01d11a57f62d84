"""Spend at a glance, from one account of the last days: today, the last week, the last month, and this one."""

from __future__ import annotations

from msgspec.structs import replace

from router.admin.answers.glance import Glance, GlanceDay, GlanceMonth
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import Days, begin_of, days_back, timezone_of
from router.admin.views.months import forecast_of, months_in
from router.admin.views.own_spend import own_query
from router.admin.views.spend import look_of
from router.core.cost.volume import day_of
from router.core.money import micro_usd
from router.ledger.reports.account import owned_zones, part_of, read_account
from router.ledger.reports.totals import day_range

DAYS = 90
"""Twice the longest period that is compared with the one before it; this month and the last are in them."""


async def glance(control: HandlerContext, ask: HandlerRequest) -> Glance:
    """Raises ApiError for a team that whoever asks does not see."""
    query = own_query(ask.query, ask.asker)
    look = replace(look_of(query, ask.asker), names=False)
    plan, now = control.desk.plan, control.clock()
    async with control.books.open() as report:
        timezone = await timezone_of(report, plan.policy.cost.timezone)
        today = day_of(now, timezone)
        owned = await owned_zones(report, plan.policy)
        account, _ = await read_account(report, day_range(days_back(today, DAYS), today), look, today, owned)
    months = months_in(account, Days(today, today, timezone))
    month = part_of(account, months.this.first, today)
    return Glance(
        days=[
            GlanceDay(
                at=begin_of(day, timezone),
                day=day,
                requests=sum(row.requests for row in rows),
                cost_micro_usd=micro_usd(sum(row.cost for row in rows)),
                rent_micro_usd=micro_usd(net.rent),
            )
            for day, rows, net in zip(account.days, account.fewest, account.daily(), strict=True)
        ],
        month=GlanceMonth(
            requests=sum(row.requests for rows in month.fewest for row in rows),
            cost_micro_usd=micro_usd(sum(row.cost for rows in month.fewest for row in rows)),
            rent_micro_usd=micro_usd(month.total().rent),
            forecast=forecast_of(months, now),
        ),
    )
