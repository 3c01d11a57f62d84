"""Spend as somebody sees it who sees some teams only: of these alone, and without what others are called."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

from msgspec.structs import replace

from router.admin.answers.spend import Choices
from router.admin.errors import ApiError
from router.admin.handler_context import Who
from router.admin.request_types import GlanceQuery
from router.core.values import Plan
from router.ledger.stored_key import StoredKey

Query = TypeVar("Query", bound=GlanceQuery)


def own_query(query: Query, who: Who) -> Query:
    """Of the teams that are asked for, or all of theirs. Raises ApiError where one is asked for that they do not see,
    whether it is there or not."""
    if who.teams is None:
        return query
    if not who.teams:
        raise ApiError(404, "no_team", "you are in no team that could have spent something: ask an admin")
    for team in query.team:
        if not who.sees(team):
            own = ", ".join(sorted(who.teams))
            raise ApiError(404, "unknown_team", f"you are in no team {team[:128]!r}; yours are: {own}")
    return replace(query, team=query.team or tuple(sorted(who.teams)))


def own_choices(plan: Plan, stored: Iterable[StoredKey], teams: Collection[str]) -> Choices:
    """What the policy has, and the keys of these teams."""
    policy = plan.policy
    keys = [key.name for key in policy.keys if key.team in teams]
    return Choices(
        backends=list(policy.backends),
        zones=list(policy.zones),
        models=list(policy.models),
        teams=sorted(teams),
        keys=list(dict.fromkeys([*keys, *(key.name for key in stored if key.team in teams)])),
    )
