"""The handlers. Whoever asks sees the teams that they see; what they may not see is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from router.admin.auth.roles import Access, may
from router.admin.errors import ApiError, ledger_lost
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.keys import listing as keys_of
from router.admin.keys.answers import KeyRow
from router.admin.keys.usage import Usage, read_usage
from router.admin.policy.api import expected
from router.admin.teams.answers import TeamBudget, TeamRow, Teams, TeamsQuery
from router.admin.teams.listing import members_of, rows_of, visible, wanted
from router.config.stored_teams import check_under
from router.core.limits.measures import SETTINGS
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.stored_teams import TeamChanged, TeamProblem, open_teams


async def teams(control: HandlerContext, ask: HandlerRequest) -> Teams:
    query: TeamsQuery = ask.query
    plan, edits = control.desk.plan, may(ask.asker.role, Access.ADMIN)
    rows, _ = await _rows(control, ask)
    found = wanted(rows, query.search)
    page = found[query.offset : query.offset + query.limit]
    month, used = await read_usage(control, [f"team:{row.name}" for row in page])
    return Teams(
        teams=[_used(row, used) for row in page],
        total=len(found),
        month=month,
        taken=plan.policy.server.stored_keys,
        models=list(plan.policy.models) if edits else None,
        budget_settings=list(SETTINGS.values()) if edits else [],
    )


async def team(control: HandlerContext, ask: HandlerRequest) -> TeamRow:
    rows, keys = await _rows(control, ask)
    row = _named(rows, ask)
    _, used = await read_usage(control, [f"team:{row.name}"])
    return replace(_used(row, used), members=members_of(row.name, keys))


async def put_budget(control: HandlerContext, ask: HandlerRequest) -> TeamRow:
    """The team's budget in the ledger. A team need not have a key yet."""
    given: TeamBudget = ask.body
    plan, name, seen = control.desk.plan, ask.request.match_info["name"], expected(ask)
    _check(plan, name, given.budget)
    before = await _stored_budget(control, name)
    action = "team.make" if before is None else "team.edit"
    async with control.audit.changing(ask.asker.actor, action, name, old=before, new=given.budget):
        with _refusals():
            async with open_teams(control.books.url) as store:
                await store.put(name, seen, given.budget)
    rows, _ = await _rows(control, ask)
    return _named(rows, ask)


async def remove_budget(control: HandlerContext, ask: HandlerRequest) -> TeamRow:
    """The team has no budget in the ledger any more; it stays a team for as long as it has keys."""
    name, seen = ask.request.match_info["name"], expected(ask)
    before = await _stored_budget(control, name)
    if before is None:
        raise ApiError(404, "unknown_team", "this team has no budget in the ledger")
    async with control.audit.changing(ask.asker.actor, "team.remove", name, old=before):
        with _refusals():
            async with open_teams(control.books.url) as store:
                await store.remove(name, seen)
    rows, _ = await _rows(control, ask)
    return next((row for row in rows if row.name == name), TeamRow(name=name))


async def _rows(control: HandlerContext, ask: HandlerRequest) -> tuple[list[TeamRow], list[KeyRow]]:
    """Teams and keys that whoever asks sees. Raises ApiError."""
    plan = control.desk.plan
    async with control.books.keys() as store:
        stored, now = await store.all(), await store.now()
    async with control.books.open() as report:
        teams = await report.stored_teams()
    keys = keys_of.visible(keys_of.rows_of(plan, stored, now), ask.asker.sees)
    return visible(rows_of(plan, keys, teams), ask.asker.sees), keys


def _named(rows: Sequence[TeamRow], ask: HandlerRequest) -> TeamRow:
    """The one of the address. Raises ApiError."""
    found = next((row for row in rows if row.name == ask.request.match_info["name"]), None)
    if found is None:
        raise ApiError(404, "unknown_team", "neither the policy nor a key or budget of the ledger names this team")
    return found


async def _stored_budget(control: HandlerContext, name: str) -> dict[str, Any] | None:
    async with control.books.open() as report:
        return next((team.budget for team in await report.stored_teams() if team.name == name), None)


def _used(row: TeamRow, used: Mapping[str, Usage]) -> TeamRow:
    usage = used[f"team:{row.name}"]
    return replace(
        row,
        spent_micro_usd=usage.spent_micro_usd,
        tokens=usage.tokens,
        last_used=usage.last_used,
        limits=list(usage.limits),
    )


def _check(plan: Plan, name: str, budget: Mapping[str, Any]) -> None:
    """Raises ApiError for a budget that would not count."""
    if not plan.policy.server.stored_keys:
        raise ApiError(409, "keys_not_taken", keys_of.NOT_TAKEN)
    if name in plan.policy.teams:
        raise ApiError(409, "in_policy", f"the policy names the team {name}, and counts: change its budget there")
    try:
        check_under(plan, name, budget)
    except ValueError as error:
        raise ApiError(400, "bad_budget", str(error)) from None


@contextmanager
def _refusals() -> Iterator[None]:
    """What the ledger refuses in here is told to whoever asks."""
    try:
        yield
    except TeamChanged as error:
        raise ApiError(412, "changed", f"{error}: load it again", version=error.version) from None
    except TeamProblem as error:
        raise ApiError(409, "not_possible", str(error)) from None
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None
