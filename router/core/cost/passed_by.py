"""What it costs to send tokens to the cloud past a GPU whose rent runs.

A strategy that goes by volume buys tokens while the volume is below its line. Where nobody switches the GPU, its rent
is paid all the same, so each of them costs what the cloud charges for it, less what it would have cost to serve here:

    usd = paid to the cloud - variable cost of the same tokens

Only requests that both sides could have served count. Where `power` is given the line decides when units are on, and
nothing is sent past one that is.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from router.core.cost.breakeven import break_even, shares
from router.core.cost.preference import BreakEven
from router.core.cost.strategies import STRATEGIES
from router.core.cost.worth import dollars, tokens
from router.core.money import NANO_PER_USD
from router.core.values import Mixture, Plan, Row


class PassedBy(Struct, frozen=True):
    """Of one day."""

    tokens: int
    usd: float


def sent_past(plan: Plan, day: Iterable[Row]) -> PassedBy:
    """What the cloud served in the last 24 hours that own backends could have served; rows of the ledger, by zone."""
    owned = {name for name, zone in plan.policy.zones.items() if zone.owned}
    bought = [row for row in day if row.cell.zone not in owned]
    usd = sum(row.cloud_value - row.counterfactual for row in bought) / NANO_PER_USD
    return PassedBy(sum(row.eligible_tokens for row in bought), usd)


def past_gpu_sentence(plan: Plan, day: PassedBy | None = None, at: float = 0.0) -> str:
    """For people: what it costs at the present volume, or, where `day` is None, at most, by the prices of `at`. Empty
    where nothing is sent past a GPU whose rent runs."""
    cost = plan.policy.cost
    switches_at, terms = STRATEGIES[cost.strategy].switches_at, _terms(plan, at)
    if switches_at is None or terms is None or terms.cloud_usd_per_million <= terms.local_usd_per_million:
        return ""
    line = switches_at(cost.threshold_tokens_per_day, lambda: terms)
    told = f"`strategy: {cost.strategy}` sends tokens to the cloud past a GPU whose rent runs"
    if line is not None:
        told += f", while there are fewer than {tokens(line)} a day"
    return f"{told}: {_costs(terms, line) if day is None else _cost(day)}."


def _cost(day: PassedBy) -> str:
    if day.usd < _LEAST:
        return "in the last 24 hours that cost nothing"
    return f"in the last 24 hours {tokens(day.tokens)}, for {dollars(day.usd)}; {_BETTER}"


def _costs(terms: BreakEven, line: float | None) -> str:
    margin = terms.cloud_usd_per_million - terms.local_usd_per_million
    if line is None:
        return f"that costs {dollars(margin)} for each million of them; {_BETTER}"
    served = line if terms.capacity_tokens_per_day is None else min(line, terms.capacity_tokens_per_day)
    return f"that costs up to {dollars(margin * served / _PER_MILLION)} a day; {_BETTER}"


_LEAST = 0.005
_PER_MILLION = 1_000_000
_BETTER = "give the GPU `power`, or take `local_first`"


def _terms(plan: Plan, at: float) -> BreakEven | None:
    """None where units are switched, there is no rent, or no model is served by both sides."""
    cloud = plan.cloud_reference.at(at)
    powered = any(backend.power is not None for backend in plan.policy.backends.values())
    if cloud is None or powered or not plan.gpu.fixed_usd_per_day:
        return None
    return break_even(plan.gpu, cloud, shares(Mixture(), plan.policy.cost.mix))
