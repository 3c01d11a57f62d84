"""Teams' budgets that are kept outside of the policy -> what they limit under it.

The rule is that of stored keys: where the policy names the same team, under `teams`, the policy's counts; and a policy
that takes no keys of the ledger takes no teams of it either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.config.cross_references import find_broken
from router.config.decode import WrongShapeError, adapter_of, decode
from router.config.problems import field_name
from router.config.stored_bounds import check_bounds
from router.config.stored_keys import Entry, first_of, shown, working_grants
from router.core.limits.limits import Limit, all_limits, with_teams
from router.core.policy import Budget, Team
from router.core.policy_fields import Name
from router.core.values import Plan

_NO_LIMITS = ("soft", "on_budget_exhausted")
NO_LIMIT = "this budget would have no limit: `breakeven team remove` takes a team's budget away, as its page does"
BudgetEntry = Mapping[str, Any]
"""As under `teams` in a policy."""


def working_budgets(plan: Plan, entries: Mapping[str, BudgetEntry]) -> tuple[dict[str, Budget], tuple[str, ...]]:
    """Budgets of stored teams that count, by name, and what is wrong with the others, for people."""
    if not plan.policy.server.stored_keys:
        return {}, ()
    found, problems = {}, []
    for name, entry in entries.items():
        if name in plan.policy.teams:
            problems.append(f"the stored budget of team {shown(name)} does not count: the policy names this team")
            continue
        try:
            found[name] = read_budget(name, entry)
        except ValueError as error:
            problems.append(f"the stored budget of team {shown(name)} does not count: {error}")
    return found, first_of(problems)


def read_budget(name: str, entry: BudgetEntry) -> Budget:
    """Raises ValueError, with all that is wrong, where the policy could not have it under this name."""
    try:
        team = decode({name: {"budget": dict(entry)}}, adapter_of(dict[Name, Team]))[name]
    except WrongShapeError as error:
        raise ValueError("; ".join(_told(each.path[1:], each.message) for each in error.findings)) from None
    return team.budget or Budget()


def misfits(plan: Plan, name: str, entry: BudgetEntry) -> tuple[str, ...]:
    """What the budget names and the policy does not know, for people. Raises ValueError as `read_budget`."""
    read_budget(name, entry)
    sections = plan.policy.model_dump(mode="json", include={"zones", "models", "sensitivity"})
    findings = find_broken({**sections, "teams": {name: {"budget": dict(entry)}}})
    return tuple(_told(each.path[2:], each.message) for each in findings if each.path[:2] == ("teams", name))


def check_under(plan: Plan, name: str, entry: BudgetEntry) -> None:
    """Raises ValueError for a budget that would limit nothing, or not all that it says, under this policy."""
    check_bounds(entry)
    if not has_limits(entry):
        raise ValueError(NO_LIMIT)
    if problems := misfits(plan, name, entry):
        raise ValueError("; ".join(problems))


def has_limits(budget: BudgetEntry) -> bool:
    """Whether anything in it limits something."""
    return any(
        has_limits(value) if isinstance(value, Mapping) else setting not in _NO_LIMITS
        for setting, value in budget.items()
    )


def limits_in_force(plan: Plan, keys: Mapping[str, Entry], teams: Mapping[str, BudgetEntry]) -> tuple[Limit, ...]:
    """Every limit of the policy, of stored teams and of stored keys. `keys` by SHA-256: those that work now."""
    policy = with_teams(plan.policy, working_budgets(plan, teams)[0])
    return all_limits(policy, [*plan.keys.values(), *working_grants(plan, keys)])


def _told(path: tuple[Any, ...], message: str) -> str:
    where = field_name(tuple(step for step in path if isinstance(step, str)))
    return f"{where}: {message}" if where else message
