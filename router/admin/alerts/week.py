"""The figures of the report of a week, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from router.admin.alerts.conditions.gpu import gpu_net
from router.admin.answers.budgets import BudgetUse
from router.admin.ledger_session import HOUR_SECONDS, LedgerSession, days_back, timezone_of
from router.admin.sources.interface import BudgetBook
from router.core.alerts.weekly import NearLimit, TeamWeek, Week
from router.core.cost.net import Account
from router.core.cost.passed_by import past_gpu_sentence, sent_past
from router.core.cost.rent import RentState
from router.core.cost.volume import day_of
from router.core.money import in_usd
from router.core.values import Plan
from router.ledger.reports.account import owned_zones, part_of, read_account
from router.ledger.reports.totals import day_range
from router.ledger.reports.totals_by_dimension import Look

WEEK_DAYS = 7
_BY_BACKEND = Look(("backend",), names=False)
_BY_TEAM = Look(("team", "backend"), names=False)
_NOT_ON = frozenset((RentState.OFF, RentState.GAP, RentState.ROUNDING))
_NEAR = 0.5
"""Share of a limit from which it is worth a line."""
_TOLD_USD = 1.0
"""That went past a GPU on one day, from which there is something to decide."""


class Weeks:
    """Reads the week that ended yesterday, and the one before it."""

    def __init__(self, books: LedgerSession, budgets: BudgetBook) -> None:
        self._books, self._budgets = books, budgets

    async def last(self, plan: Plan, now: float, *, refused_edit: bool = False) -> Week:
        """Raises ApiError and `LedgerUnavailable` when the ledger cannot be read."""
        async with self._books.open() as report:
            zone = await timezone_of(report, plan.policy.cost.timezone)
            today = day_of(now, zone)
            first, yesterday = days_back(today, WEEK_DAYS + 1), days_back(today, 2)
            begin, before = days_back(today, 2 * WEEK_DAYS + 1), days_back(today, WEEK_DAYS + 2)
            owned = await owned_zones(report, plan.policy)
            account, _ = await read_account(report, day_range(begin, yesterday), _BY_TEAM, today, owned)
            hour = int(now // HOUR_SECONDS)
            hours = await report.hours_by(_BY_BACKEND, range(hour - 23, hour + 1), hour)
        week, earlier = part_of(account, first, yesterday), part_of(account, begin, before)
        rented = [name for name, each in plan.policy.backends.items() if each.cost is not None]
        past = sent_past(plan, [row for hour in hours for row in hour.rows])
        return Week(
            first=first,
            last=yesterday,
            requests=sum(row.requests for day in week.rows for row in day),
            net=week.total(),
            before=earlier.total(),
            teams=teams_of(week, earlier),
            gpus=[gpu_net(week, name) for name in rented],
            hours_on=[(name, hours_on(week, name)) for name in rented],
            near=near_of(await self._budgets.uses(now)),
            past_gpu=past_gpu_sentence(plan, past, now) if past.usd >= _TOLD_USD else "",
            refused_edit=refused_edit,
        )


def teams_of(week: Account, before: Account) -> list[TeamWeek]:
    """Dearest first."""
    earlier = before.by(lambda row: row.cell.team)
    requests: dict[str, int] = {}
    for row in (row for day in week.rows for row in day):
        requests[row.cell.team] = requests.get(row.cell.team, 0) + row.requests
    found = [
        TeamWeek(
            team=team,
            requests=requests.get(team, 0),
            bought=in_usd(net.bought),
            rent=in_usd(net.rent),
            bought_before=in_usd(earlier[team].bought) if team in earlier else 0.0,
        )
        for team, net in week.by(lambda row: row.cell.team).items()
    ]
    return sorted(found, key=lambda each: (-each.bought - each.rent, each.team))


def hours_on(week: Account, backend: str) -> float:
    """Of all units of a backend, whether they worked or not."""
    rows = (row for row in week.rent if row.backend == backend and row.state not in _NOT_ON)
    return sum(row.milliseconds for row in rows) / 3_600_000


def near_of(uses: Sequence[BudgetUse]) -> list[NearLimit]:
    """Fullest first; limits by the minute, and of what runs at once, are none of a week's business."""
    shares = [
        NearLimit(each.name, each.used / each.amount)
        for each in uses
        if each.amount > 0 and each.period in ("day", "month")
    ]
    return sorted((each for each in shares if each.share >= _NEAR), key=lambda each: -each.share)
