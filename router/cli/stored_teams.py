"""Teams and their budgets in the ledger, for `breakeven team`: list, give, change, remove."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from router.cli.audit_note import noted
from router.cli.ledger_server import ledger_url
from router.cli.limit_arguments import changed_budget, shown_limits
from router.cli.served_policy import not_taken, plan_to_check, served_plan
from router.cli.table import table
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.shared_status import statuses_at
from router.ledger.stored_key import StoredKey
from router.ledger.stored_keys import open_keys
from router.ledger.stored_teams import NO_VERSION, StoredTeam, TeamChanged, TeamProblem, TeamStore, open_teams

if TYPE_CHECKING:
    from router.core.values import Plan

_SETTING = "`server: {stored_keys: true}`"
_REACH = "Name the ledger as for `serve`, with --redis or --data-dir; `breakeven team list` shows what was changed"
_HEADINGS = ("team", "budget in", "budget", "keys", "names of keys")
_MOST_NAMED = 5
_NAMES_SHOWN = 20


def run(args: argparse.Namespace) -> int:
    """Prints what was done; 1 when it could not be done, 2 for an argument that cannot be used."""
    try:
        with ledger_url(args, fresh=args.action == "new") as url:
            print(asyncio.run(_ACTIONS[args.action](url, args)))
    except LedgerUnavailable as error:
        print(f"breakeven team {args.action}: {error}. {_REACH}", file=sys.stderr)
        return 1
    except TeamChanged as error:
        print(f"breakeven team {args.action}: {error}; nothing was changed. Do it again", file=sys.stderr)
        return 1
    except (TeamProblem, EmbeddedServerError) as error:
        print(f"breakeven team {args.action}: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"breakeven team {args.action}: {error}", file=sys.stderr)
        return 2
    return 0


async def _new(url: str, args: argparse.Namespace) -> str:
    plan = await _plan_that_takes(url, args)
    async with open_teams(url) as store:
        if args.name in {team.name for team in await store.all()}:
            raise TeamProblem(f"the team {args.name} has a budget already: `breakeven team edit` changes it")
        budget = _checked(plan, args.name, changed_budget({}, args.budget))
        async with noted(url, "team.make", args.name, new=budget):
            stored = await store.put(args.name, NO_VERSION, budget)
    return _told(plan, stored)


async def _edit(url: str, args: argparse.Namespace) -> str:
    plan = await _plan_that_takes(url, args)
    async with open_teams(url) as store:
        before = await _stored(store, args.name)
        budget = _checked(plan, args.name, changed_budget(before.budget, args.budget))
        async with noted(url, "team.edit", args.name, old=before.budget, new=budget):
            stored = await store.put(args.name, before.version, budget)
    return _told(plan, stored)


async def _remove(url: str, args: argparse.Namespace) -> str:
    async with open_teams(url) as store:
        before = await _stored(store, args.name)
        async with noted(url, "team.remove", args.name, old=before.budget):
            await store.remove(args.name, before.version)
    return (
        f"The team {args.name} has no budget in the ledger any more, on every worker within a second. "
        "Its keys work on, with their own budgets."
    )


async def _list(url: str, args: argparse.Namespace) -> str:
    async with open_keys(url) as keys, open_teams(url) as teams:
        working = [key for key in await keys.all() if key.works(await keys.now())]
        found = teams_of(served_plan(args), working, await teams.all())
    return as_json(found) if args.json else as_table(found)


_ACTIONS = {"list": _list, "new": _new, "edit": _edit, "remove": _remove}


async def _plan_that_takes(url: str, args: argparse.Namespace) -> Plan | None:
    """What a budget is checked against. Raises TeamProblem where no budget of the ledger counts."""
    plan = plan_to_check(args)
    if why := not_taken(plan, await statuses_at(url)):
        raise TeamProblem(f"{why}. Nothing was changed")
    return plan


async def _stored(store: TeamStore, name: str) -> StoredTeam:
    """Raises TeamProblem, with the names that there are."""
    known = {team.name: team for team in await store.all()}
    if name not in known:
        names = ", ".join(list(known)[:_NAMES_SHOWN]) or "none"
        more = f" and {len(known) - _NAMES_SHOWN} more" if len(known) > _NAMES_SHOWN else ""
        raise TeamProblem(
            f"the team {name} has no budget in the ledger (there are: {names}{more}): "
            "`breakeven team new` gives it one, and what the policy names is edited there"
        )
    return known[name]


def _checked(plan: Plan | None, name: str, budget: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError with what the policy would say about the budget."""
    from router.config.stored_bounds import check_bounds
    from router.config.stored_teams import NO_LIMIT, check_under, has_limits, read_budget

    if plan is None:
        if not has_limits(budget):
            raise ValueError(NO_LIMIT)
        check_bounds(budget)
        read_budget(name, budget)
        return budget
    if name in plan.policy.teams:
        raise TeamProblem(f"the policy names the team {name}, and counts: change its budget there")
    check_under(plan, name, budget)
    return budget


def _told(plan: Plan | None, team: StoredTeam) -> str:
    """What was stored, and whether the policy takes it, where that is known."""
    limits = ", ".join(shown_limits(team.budget))
    stored = f"All keys of the team {team.name} together may use {limits}, on every worker within a second."
    if plan is None:
        return f"{stored}\nGateways take it when their policy says {_SETTING} and does not name the team."
    return stored


# --- the list


class TeamShown(Struct, frozen=True):
    name: str
    source: str
    """Where its budget is kept, `policy` or `ledger`; empty without one."""
    budget: Mapping[str, Any]
    """As in a policy."""
    members: Sequence[str]
    """Names of its keys that work."""


def teams_of(plan: Plan | None, keys: Iterable[StoredKey], stored: Iterable[StoredTeam]) -> list[TeamShown]:
    """All that anything names, by name; `plan`: the policy that is served here, if that is known. Its own count."""
    members: dict[str, set[str]] = {}
    found: dict[str, TeamShown] = {team.name: TeamShown(team.name, "ledger", team.budget, ()) for team in stored}
    for key in keys:
        members.setdefault(key.team, set()).add(key.name)
    if plan is not None:
        for own in plan.policy.keys:
            members.setdefault(own.team, set()).add(own.name)
        for name, team in plan.policy.teams.items():
            budget = {} if team.budget is None else team.budget.model_dump(mode="json", exclude_unset=True)
            found[name] = TeamShown(name, "policy", budget, ())
    for name in members:
        found.setdefault(name, TeamShown(name, "", {}, ()))
    return [msgspec.structs.replace(found[name], members=sorted(members.get(name, ()))) for name in sorted(found)]


def as_json(teams: Sequence[TeamShown]) -> str:
    return msgspec.json.format(msgspec.json.encode(teams)).decode()


def as_table(teams: Sequence[TeamShown]) -> str:
    if not teams:
        return "No teams: a key that names one makes it, and `breakeven team new NAME --budget` gives it a budget."
    return "\n".join(table([_HEADINGS, *map(_columns, teams)], len(_HEADINGS)))


def _columns(team: TeamShown) -> tuple[str, ...]:
    more = f" and {len(team.members) - _MOST_NAMED} more" if len(team.members) > _MOST_NAMED else ""
    return (
        team.name,
        team.source or "-",
        ", ".join(shown_limits(team.budget)) or "none",
        str(len(team.members)),
        ", ".join(team.members[:_MOST_NAMED]) + more,
    )
