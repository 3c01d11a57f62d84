"""Budgets: every limit of the policy and of what is stored in the ledger, and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from zoneinfo import ZoneInfo

from router.admin.answers.budgets import BudgetUse
from router.config.stored_teams import limits_in_force
from router.core.limits.limits import Limit
from router.core.limits.periods import Periods
from router.core.limits.standing import Standing
from router.core.values import Plan
from router.ledger.reports.limits import standings
from router.ledger.reports.totals import open_report


class LedgerBudgets:
    available = True

    def __init__(self, url: str, plan: Callable[[], Plan]) -> None:
        """`plan` answers the one in force."""
        self._url = url
        self._plan = plan

    async def uses(self, now: float) -> Sequence[BudgetUse]:
        """Raises LedgerUnavailable."""
        return await self._uses(now, lambda limit: True)

    async def uses_of(self, scopes: Collection[str], now: float) -> Sequence[BudgetUse]:
        """Of some scopes, such as `key:NAME`. Raises LedgerUnavailable."""
        return await self._uses(now, lambda limit: limit.scope in scopes)

    async def _uses(self, now: float, wanted: Callable[[Limit], bool]) -> Sequence[BudgetUse]:
        plan = self._plan()
        policy = plan.policy
        owned = frozenset(name for name, zone in policy.zones.items() if zone.owned)
        async with open_report(self._url) as report:
            stored = {key.sha256: key.entry for key in await report.stored_keys() if key.works(now)}
            teams = {team.name: team.budget for team in await report.stored_teams()}
            limits = tuple(filter(wanted, limits_in_force(plan, stored, teams)))
            found = await standings(report, limits, owned, now, Periods(ZoneInfo(policy.cost.timezone)))
        return [use_of(each) for each in found]


def use_of(standing: Standing) -> BudgetUse:
    limit = standing.limit
    return BudgetUse(
        scope=limit.scope,
        side=limit.side,
        model=limit.model,
        measure=limit.measure,
        period=limit.period,
        amount=standing.shown(limit.amount),
        used=standing.shown(standing.used),
        held=standing.shown(standing.held),
        risk=standing.shown(standing.risk),
        left=standing.shown(standing.left),
        soft=limit.soft,
        resets=standing.turns,
        name=limit.name,
        warned=standing.warned,
        spare_local=limit.spare_local,
        charged=standing.shown(standing.charged),
        note=standing.note,
    )
