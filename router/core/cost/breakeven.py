"""From how many tokens a day an own GPU is cheaper than the cloud.

A GPU costs F per day whether it works or not, and v per token. The cloud costs nothing per day, and c per
token. Both cost the same for N* tokens per day with F + v·N* = c·N*, which gives

    N* = F / (c - v)

c is one price for tokens of three kinds, blended by their shares in the traffic:

    c = share_input·p_input + share_cached·p_cached + share_output·p_output

Once there is traffic to tell, c is what the ledger has: what the cloud charged, or would have charged at each request's
own cheapest permitted route, per token. Models of different price count as they are asked for, then.

This is the break-even volume of cost accounting (fixed cost divided by the contribution per unit). Prices per
request are left out, because the volume is counted in tokens; they would only lower N*.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from router.core.cost.preference import BreakEven
from router.core.money import NANO_PER_MICRO
from router.core.policy import Mix
from router.core.values import GpuFigures, Mixture, Rates, Row

MIX_COUNTS_FROM = 10_000
"""Eligible tokens in the window from which their own mix is used instead of the policy's assumption."""
_TOKENS_PER_MILLION = 1_000_000


class Shares(Struct, frozen=True):
    """Shares of all tokens; they add up to 1."""

    input: float
    """Uncached input."""
    cached: float
    output: float


def shares(seen: Mixture, prior: Mix) -> Shares:
    """The mix of what was seen, once that is enough to tell; before that, the policy's."""
    total = seen.total
    if total < MIX_COUNTS_FROM:
        return Shares(prior.input, prior.cached, prior.output)
    return Shares(seen.input / total, seen.cached / total, seen.output / total)


def blended(rates: Rates, mix: Shares) -> float:
    """Micro-USD per token (which is USD per million tokens) for traffic of this mix."""
    return mix.input * rates.input + mix.cached * rates.cached_input + mix.output * rates.output


def price_of_traffic(rows: Iterable[Row]) -> float | None:
    """Micro-USD per token of requests that both sides could have served; None where these are too few to tell, or have
    no price."""
    tokens = value = 0
    for row in rows:
        tokens += row.eligible_tokens
        value += row.cloud_value
    return value / NANO_PER_MICRO / tokens if tokens >= MIX_COUNTS_FROM and value else None


def break_even(gpu: GpuFigures, cloud: Rates, mix: Shares) -> BreakEven:
    """`break_even_at` the blended price of traffic of this mix."""
    return break_even_at(gpu, blended(cloud, mix))


def break_even_at(gpu: GpuFigures, price: float) -> BreakEven:
    """N* = F / (c - v) in tokens per day: F fixed cost per day, c cloud price in micro-USD per token, v local variable
    cost.

    `tokens_per_day` is None when the cloud is no dearer per token (c <= v). `reachable` is False then, and also
    when N* is more than the GPU can serve in a day.
    """
    margin = price - gpu.variable_usd_per_million
    tokens = gpu.fixed_usd_per_day / margin * _TOKENS_PER_MILLION if margin > 0 else None
    capacity = gpu.capacity_tokens_per_day
    return BreakEven(
        gpu.fixed_usd_per_day,
        price,
        gpu.variable_usd_per_million,
        tokens,
        capacity,
        reachable=tokens is not None and (capacity is None or tokens <= capacity),
    )
