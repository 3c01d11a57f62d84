"""What the policy, the keys and the ledger say of teams -> the rows that somebody may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from router.admin.keys.answers import KeyRow
from router.admin.keys.listing import NOT_TAKEN
from router.admin.teams.answers import TeamKey, TeamRow
from router.config.stored_teams import working_budgets
from router.core.values import Plan
from router.ledger.stored_teams import StoredTeam

MOST_MEMBERS = 200
_WORKING = ("active", "ending")


def rows_of(plan: Plan, keys: Iterable[KeyRow], stored: Iterable[StoredTeam]) -> list[TeamRow]:
    """Of all teams that anything names, by name."""
    listed, saved = list(keys), {team.name: team for team in stored}
    working = Counter(key.team for key in listed if key.state in _WORKING)
    names = {*plan.policy.teams, *saved, *(key.team for key in listed)}
    return [_row(plan, name, working[name], saved.get(name)) for name in sorted(names)]


def _row(plan: Plan, name: str, keys: int, stored: StoredTeam | None) -> TeamRow:
    version = "none" if stored is None else stored.version
    own = plan.policy.teams.get(name)
    problems = [] if stored is None else _problems(plan, stored)
    if own is not None:
        budget = None if own.budget is None else own.budget.model_dump(mode="json", exclude_unset=True)
        return TeamRow(name=name, keys=keys, source="policy", version=version, budget=budget, problems=problems)
    if stored is None:
        return TeamRow(name=name, keys=keys)
    return TeamRow(name=name, keys=keys, source="ledger", version=version, budget=stored.budget, problems=problems)


def _problems(plan: Plan, stored: StoredTeam) -> list[str]:
    if not plan.policy.server.stored_keys:
        return [NOT_TAKEN]
    return list(working_budgets(plan, {stored.name: stored.budget})[1])


def visible(rows: Iterable[TeamRow], sees: Callable[[str], bool]) -> list[TeamRow]:
    return [row for row in rows if sees(row.name)]


def wanted(rows: Iterable[TeamRow], search: str) -> list[TeamRow]:
    part = search.strip().casefold()
    return [row for row in rows if part in row.name.casefold()]


def members_of(name: str, keys: Iterable[KeyRow]) -> list[TeamKey]:
    found = [key for key in keys if key.team == name and key.state in _WORKING]
    return [TeamKey(id=key.id, name=key.name, state=key.state) for key in found[:MOST_MEMBERS]]
