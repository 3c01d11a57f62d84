"""What the API of keys is asked and says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from router.admin.answers.budgets import BudgetUse
from router.admin.request_types import Day, GivenBudget, Text, Texts
from router.config.stored_keys import WHO_WINS
from router.ledger.stored_key import KeyState

LONGEST_GRACE = 90 * 86_400


class KeysQuery(Struct, frozen=True, forbid_unknown_fields=True):
    search: str = ""
    """A part of the name or of the team, or the beginning of the id."""
    state: KeyState | Literal["working"] | None = None
    """`working`: active or ending."""
    team: str | None = None
    source: Literal["policy", "ledger"] | None = None
    offset: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class KeySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key may, as under `keys` in a policy; what is left out is not narrowed."""

    models: Texts | None = None
    zones: Texts | None = None
    sensitivity: Text | None = None
    """Least level of its requests."""
    tags: Texts = []
    """That all its requests carry."""
    budget: GivenBudget | None = None
    expires: float | Day | None = None
    """Seconds since the epoch, or its last day, as the ledger counts days."""


class NewKey(KeySettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Text
    team: Text = "default"


class Rotation(Struct, frozen=True, forbid_unknown_fields=True):
    grace: Annotated[float, Meta(ge=0, le=LONGEST_GRACE)] = 0
    """Seconds that the old one works on."""


class KeyRow(Struct, frozen=True, kw_only=True):
    id: str
    """The beginning of its SHA-256."""
    name: str
    team: str
    source: Literal["policy", "ledger"]
    """Keys of the policy are edited in the policy."""
    state: KeyState
    version: str = ""
    """For If-Match with an edit; empty for a key of the policy."""
    models: list[str] | None = None
    zones: list[str] | None = None
    sensitivity: str | None = None
    tags: list[str] = []
    budget: dict[str, Any] | None = None
    """As in a policy."""
    created: float | None = None
    expires: float | None = None
    revoked: float | None = None
    replaced_by: str = ""
    """Id of the key that took its place."""
    problems: list[str] = []
    """Why it is not taken, or may less than it says, for people."""
    spent_micro_usd: float = 0
    """In this month, by all keys of this name."""
    tokens: int = 0
    last_used: str = ""
    """By a key of this name: a day, of earlier use the month, and empty where neither this month nor the last had any.
    """
    limits: list[BudgetUse] = []


class KeyChoices(Struct, frozen=True, kw_only=True):
    """What the policy in force has to choose from."""

    models: list[str]
    zones: list[str]
    levels: list[str]
    """From the least to the most restricted."""
    tags: list[str]
    limits: list[str]
    """Settings of a budget."""


class Keys(Struct, frozen=True, kw_only=True):
    keys: list[KeyRow]
    total: int
    """That are like what was asked for."""
    teams: list[str]
    """Of all keys."""
    month: str
    taken: bool
    """Whether the policy takes keys of the ledger (`server: {stored_keys: true}`)."""
    choices: KeyChoices | None = None
    """For those who may make keys."""
    rule: str = WHO_WINS


class KeyMade(Struct, frozen=True, kw_only=True):
    """A key, to give to the client. It is told only this once."""

    secret: str
    key: KeyRow
    workers: int
    """That take it within a second."""


class KeysChanged(Struct, frozen=True):
    keys: list[KeyRow] = field(default_factory=list)
