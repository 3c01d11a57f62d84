"""The limits of one request, and what a client is told when one of them does not admit it.

A limit belongs to a scope (all keys, a team, a key), a side (own backends, all others, both) and a model or all of
them. A request is admitted when every limit has room for what it may take at most, and then held by all of them.

    budgets of the policy and of the key  ->  `limits_of`  ->  what the ledger checks
    the ledger's `Verdict`                ->  `refusal_of` ->  what the client is told
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from router.core.periods import Period, Periods
from router.core.policy import Budget, Policy, SidedAmounts
from router.core.values import KeyGrant

LimitSide = Literal["all", "local", "cloud"]
Measure = Literal["usd", "tokens", "requests", "concurrent"]


class Limit(Struct, frozen=True):
    """One amount that one scope may use."""

    scope: str
    """"global", "team:NAME" or "key:NAME"."""
    side: LimitSide
    model: str
    """Empty for all models."""
    measure: Measure
    period: Period
    amount: int
    """Micro-USD, tokens or requests."""
    soft: float = 0.8
    """Share of the amount from which a warning is given."""
    spare_local: bool = False
    """When it is exhausted the request may still go to own backends, if the limit does not count those."""

    @property
    def counter(self) -> str:
        """Where it is counted: limits of different periods share a counter's name, not its hash."""
        return "|".join((_escape(self.scope), self.side, _escape(self.model), self.measure))

    @property
    def name(self) -> str:
        """For people: "key search-app: usd_per_month (cloud)"."""
        raise NotImplementedError


class Verdict(Struct, frozen=True):
    """The limit that did not admit a request. All figures are in the limit's measure."""

    limit: Limit
    used: int
    """Settled in this period."""
    held: int
    """Held by running requests."""
    asked: int
    """What the request would hold."""


class OverBudget(Struct, frozen=True):
    """What a client is told: a 429 in OpenAI's words."""

    type: str
    code: Literal["rate_limit_exceeded", "insufficient_quota"]
    message: str
    retry_after: float | None
    """Seconds until it may work; None when waiting does not help."""
    retryable: bool
    """Whether SDKs should try again on their own."""
    status: int = 429


class Budgets:
    """The limits of one policy's requests, remembered by key and model."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def of(self, key: KeyGrant, model: str) -> tuple[Limit, ...]:
        """As `limits_of`."""
        return limits_of(self._policy, key, model)


def limits_of(policy: Policy, key: KeyGrant, model: str) -> tuple[Limit, ...]:
    """The limits of a request of `key` for `model` (the policy's name of it): global, team, key, always in the same
    order. Empty when nothing limits it."""
    team = policy.teams.get(key.team)
    scopes = (
        ("global", policy.budget),
        (f"team:{key.team}", None if team is None else team.budget),
        (f"key:{key.name}", key.budget),
    )
    return tuple(limit for scope, budget in scopes if budget is not None for limit in _limits(scope, budget, model))


def _limits(scope: str, budget: Budget, model: str) -> Iterator[Limit]:
    yield from _both_sides(scope, budget, "", budget)
    if model in budget.models:
        yield from _both_sides(scope, budget.models[model], model, budget)


def _both_sides(scope: str, amounts: SidedAmounts, model: str, budget: Budget) -> Iterator[Limit]:
    raise NotImplementedError


def refusal_of(verdict: Verdict, now: float, periods: Periods) -> OverBudget:
    """What a client is told when `verdict` came at `now` (seconds since the epoch)."""
    raise NotImplementedError


def warning_of(limit: Limit, used: int, held: int) -> str:
    """For the header `x-breakeven-budget`: "key search-app: usd_per_month 85 % used"; empty below the soft limit."""
    raise NotImplementedError


def _escape(name: str) -> str:
    return name.replace("%", "%25").replace("|", "%7C") if "%" in name or "|" in name else name
