"""The limits of one request, and what a client is told when one of them does not admit it.

What can be limited stands in `measures`. A limit belongs to a scope (all keys, a team, a key), a side (own backends,
all others, both) and a model or all of them. A request is admitted when every limit has room for what it may take, and
then held by all of them::

    budgets of the policy and of the key  ->  limits_of   ->  what the ledger checks
    the ledger's Verdict                  ->  refusal_of  ->  what the client is told
    what the ledger has counted           ->  warning_of  ->  the header of an answer
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from router.core.field_names import escape_name
from router.core.limits.measures import BY_NAME, MEASURES, SETTINGS, MeasureName, Period
from router.core.limits.periods import Periods
from router.core.money import NANO_PER_USD, nano_of
from router.core.name_patterns import takes
from router.core.policy import Amounts, Budget, Policy, SidedAmounts, Team
from router.core.values import KeyGrant

LimitSide = Literal["all", "local", "cloud"]

HELD_SECONDS = 1.0
"""Until asking again makes sense when running requests hold what is left."""

_SETTINGS = tuple((measure, setting) for measure in MEASURES for setting in measure.settings)
_NANO_PER_CENT = NANO_PER_USD // 100
_REMEMBERED = 10_000


class Limit(Struct, frozen=True):
    """One amount that one scope may use."""

    scope: str
    """`global`, `team:NAME` or `key:NAME`."""
    side: LimitSide
    """`local` counts what backends in owned zones serve, `cloud` what the others do."""
    model: str
    """The policy's name of it; empty for all models."""
    measure: MeasureName
    period: Period
    amount: int
    """Nano-USD, or a number of what is measured."""
    soft: float = 0.8
    """Share of the amount from which a warning is given."""
    spare_local: bool = False
    """When the cloud is out of it, a request may still go to own backends (`on_budget_exhausted: local_only`)."""

    @property
    def counter(self) -> str:
        """`scope|side|model|measure`: the field that counts it in the hash of its period."""
        return "|".join((escape_name(self.scope), self.side, escape_name(self.model), self.measure))

    @property
    def field(self) -> str:
        """The policy's name of it, such as `usd_per_month`."""
        return SETTINGS[self.measure, self.period]

    @property
    def name(self) -> str:
        """For people: "key search-app: usd_per_month (model chat, cloud)"."""
        of = [f"model {self.model}"] if self.model else []
        of += [] if self.side == "all" else [self.side]
        return f"{self.scope.replace(':', ' ', 1)}: {self.field}" + (f" ({', '.join(of)})" if of else "")


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
    """What a client is told: a 429 with the types and codes that SDKs know."""

    type: Literal["requests", "tokens", "insufficient_quota"]
    code: Literal["rate_limit_exceeded", "insufficient_quota"]
    message: str
    retry_after: float | None
    """Seconds until it may work, however many they are; None when waiting does not help."""
    retryable: bool
    """Whether SDKs should try again on their own: not when they would sleep through a day."""
    status: int = 429


class Budgets:
    """`limits_of` for one policy, remembered by key and model."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._known: dict[tuple[str, str], tuple[KeyGrant, tuple[Limit, ...]]] = {}

    def of(self, key: KeyGrant, model: str) -> tuple[Limit, ...]:
        """The same tuple each time, as long as the key's grant is the same."""
        found = self._known.get((key.name, model))
        return found[1] if found is not None and found[0] is key else self._remember(key, model)

    def _remember(self, key: KeyGrant, model: str) -> tuple[Limit, ...]:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        limits = limits_of(self._policy, key, model)
        self._known[key.name, model] = key, limits
        return limits


def limits_of(policy: Policy, key: KeyGrant, model: str) -> tuple[Limit, ...]:
    """The limits of a request of `key` for `model` (the policy's name of it).

    Always in the same order: global, team, key; in each the limits of all models, then those of this one; in these
    both sides, local, cloud. Empty when nothing limits it.
    """
    team = policy.teams.get(key.team)
    scopes = (
        ("global", policy.budget),
        (f"team:{key.team}", None if team is None else team.budget),
        (f"key:{key.name}", key.budget),
    )
    return tuple([limit for scope, budget in scopes if budget is not None for limit in _limits(scope, budget, model)])


def with_teams(policy: Policy, budgets: Mapping[str, Budget]) -> Policy:
    """The policy, with budgets of teams that it does not name; where it names one, its own word counts."""
    if not budgets:
        return policy
    teams = {name: Team(budget=budget) for name, budget in budgets.items()}
    return policy.model_copy(update={"teams": teams | policy.teams})


def all_limits(policy: Policy, keys: Iterable[KeyGrant]) -> tuple[Limit, ...]:
    """Every limit there is: global, of the policy's teams, of these keys; in each those of all models come first."""
    scopes = [("global", policy.budget)]
    scopes += [(f"team:{name}", team.budget) for name, team in policy.teams.items()]
    scopes += [(f"key:{key.name}", key.budget) for key in keys]
    limits = (limit for scope, budget in scopes if budget is not None for limit in _all_of(scope, budget))
    return tuple(dict.fromkeys(limits))  # a key that was replaced and the one in its place have the same


def _all_of(scope: str, budget: Budget) -> Iterator[Limit]:
    yield from _of_sides(scope, budget, "", budget)
    for model, amounts in budget.models.items():
        yield from _of_sides(scope, amounts, model, budget)


def _limits(scope: str, budget: Budget, model: str) -> Iterator[Limit]:
    yield from _of_sides(scope, budget, "", budget)
    for name, amounts in budget.models.items():
        if takes(name, model):
            yield from _of_sides(scope, amounts, name, budget)


def _of_sides(scope: str, amounts: SidedAmounts, model: str, budget: Budget) -> Iterator[Limit]:
    sides: tuple[tuple[LimitSide, Amounts | None], ...]
    sides = (("all", amounts), ("local", amounts.local), ("cloud", amounts.cloud))
    spare = budget.on_budget_exhausted == "local_only"
    for side, section in sides:
        for measure, setting in _SETTINGS if section is not None else ():
            value = getattr(section, setting.name)
            if value is not None:
                amount = nano_of(value) if measure.basis == "money" else value
                yield Limit(
                    scope=scope,
                    side=side,
                    model=model,
                    measure=measure.name,
                    period=setting.period,
                    amount=amount,
                    soft=budget.soft,
                    spare_local=spare,
                )


def refusal_of(verdict: Verdict, now: float, periods: Periods, output_limit: str) -> OverBudget:
    """What a client is told when the ledger answered `verdict` at `now` (seconds since the epoch).

    `output_limit` is the field with which a client limits an answer's length.

    `rate_limit_exceeded` where a short wait helps: the minute is used up, or running requests hold the rest.
    `insufficient_quota` where it does not: the day or month is used up, or the request is larger than the limit.
    """
    limit = verdict.limit
    if verdict.asked > limit.amount:
        too_large = BY_NAME[limit.measure].too_large.format(output_limit=output_limit)
        return _no_quota(f"{_fact(verdict)} {too_large} {_WHOM}", None)
    if limit.period == "" or verdict.used + verdict.asked <= limit.amount:
        return _slow_down(limit, f"{_fact(verdict)} {_SOON}", HELD_SECONDS)
    end = periods.end(limit.period, now)
    if limit.period == "minute":
        return _slow_down(limit, f"{_fact(verdict)} The minute ends in {max(1, round(end - now))} s.", end - now)
    turns = datetime.fromtimestamp(end, periods.timezone)
    when = f"The {limit.period} ends on {turns:%Y-%m-%d} at {turns:%H:%M} ({periods.timezone.key})."
    return _no_quota(f"{_fact(verdict)} {when} {_WHOM}", end - now)


_SOON = "Running requests hold the rest, and give back what they do not use: try again in a moment."
_WHOM = "Whoever runs this gateway can raise the limit."


def _no_quota(message: str, wait: float | None) -> OverBudget:
    return OverBudget("insufficient_quota", "insufficient_quota", message, wait, retryable=False)


def _slow_down(limit: Limit, message: str, wait: float) -> OverBudget:
    return OverBudget(BY_NAME[limit.measure].pace, "rate_limit_exceeded", message, wait, retryable=True)


def _fact(verdict: Verdict) -> str:
    """The limit and what is left of it: "The key 'app' is limited to …: … used, … held …, … asked for."."""
    limit, measure = verdict.limit, BY_NAME[verdict.limit.measure]
    figures = [f"{_shown(limit, verdict.used)} used", f"{_shown(limit, verdict.held)} held by running requests"]
    if measure.standing:
        figures = [f"{verdict.held:,} running"]
    elif measure.basis != "each":
        figures.append(f"and this request may take {_shown(limit, verdict.asked)}")
    per = f" per {limit.period}" if limit.period else " at the same time"
    model = f" for the model '{limit.model}'" if limit.model else ""
    return (
        f"{_who(limit.scope)} limited to {_amount(limit)}{per}{_WHERE[limit.side]}{model} ({limit.field}):"
        f" {', '.join(figures)}."
    )


_WHERE: dict[LimitSide, str] = {"all": "", "local": " on own backends", "cloud": " in the cloud"}


def _who(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return f"The {kind} '{name}' is" if name else "All keys together are"


def _amount(limit: Limit) -> str:
    if BY_NAME[limit.measure].basis == "money":
        return _dollars(limit.amount)
    return f"{limit.amount:,} {BY_NAME[limit.measure].unit}" + ("" if limit.amount == 1 else "s")


def _shown(limit: Limit, figure: int) -> str:
    return _dollars(figure) if BY_NAME[limit.measure].basis == "money" else f"{figure:,}"


def _dollars(nano_usd: int) -> str:
    """Cents from a dollar on; below that as many digits as there are, so that small is never shown as nothing."""
    if nano_usd >= NANO_PER_USD:
        return f"${nano_usd / NANO_PER_USD:,.2f}"
    cents, digits = divmod(nano_usd, _NANO_PER_CENT)
    return f"$0.{cents:02d}" + f"{digits:07d}".rstrip("0")


def warning_of(limit: Limit, used: int, held: int) -> str:
    """For the header `x-breakeven-budget`: "key search-app: usd_per_month 85 % used"; empty below the soft limit.

    What running requests hold counts too: it may be used before anybody reads the warning.
    """
    taken = used + held
    if limit.amount == 0 or taken < limit.soft * limit.amount:
        return ""
    taken_by = "used" if held == 0 else "used or held"
    return f"{limit.name} {100 * taken // limit.amount} % {taken_by}"
