"""What the API of teams is asked and says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from router.admin.answers.budgets import BudgetUse
from router.admin.request_types import GivenBudget
from router.config.stored_keys import WHO_WINS


class TeamsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    search: str = ""
    """A part of the name."""
    offset: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class TeamBudget(Struct, frozen=True, forbid_unknown_fields=True):
    budget: GivenBudget
    """As under `teams` in a policy."""


class TeamKey(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    state: str


class TeamRow(Struct, frozen=True, kw_only=True):
    name: str
    keys: int = 0
    """That work."""
    source: Literal["policy", "ledger", ""] = ""
    """Where its budget is kept; empty without one."""
    version: str = "none"
    """For If-Match with a change of the budget in the ledger."""
    budget: dict[str, Any] | None = None
    """That counts, as in a policy."""
    problems: list[str] = []
    """Why a budget of the ledger does not count, for people."""
    spent_micro_usd: float = 0
    """In this month."""
    tokens: int = 0
    last_used: str = ""
    """As that of a key."""
    limits: list[BudgetUse] = []
    members: list[TeamKey] = []
    """Its keys that work; only told of one team, and of many the first ones."""


class Teams(Struct, frozen=True, kw_only=True):
    teams: list[TeamRow]
    total: int
    month: str
    taken: bool
    """Whether the policy takes keys and teams of the ledger (`server: {stored_keys: true}`)."""
    models: list[str] | None = None
    """Of the policy, to choose from, for those who may change budgets."""
    budget_settings: list[str] = []
    rule: str = WHO_WINS
