"""What a request costs, in micro-USD.

Rates are micro-USD per token, so every product of tokens and a rate is micro-USD already. What is booked or held is
whole nano-USD, see `money`. A request is priced on its own, never as a share of a total: some prices double above a
size of input.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Hashable, Iterable

from router.core.money import MICRO_PER_USD, NANO_PER_MICRO
from router.core.policy_fields import STANDARD_TIERS
from router.core.units import NO_UNITS, Units, at_most, beside_tokens, parts
from router.core.values import Alternatives, PriceTier, Rates, Route, Tariff, Usage

Step = tuple[int, float, float, float]
"""Input tokens from which it holds, and micro-USD per input token, per output token and per request."""

STANDARD = STANDARD_TIERS | {""}
"""Service tiers at the price of the price list; an answer that names none had that one."""

# In nano-USD. Sums of decimal prices in binary carry dust of about 1e-5 at most; a real price step is far above this.
_DUST = 0.5e-3
_ACCOUNTS = 20_000


def rates_for(tiers: tuple[PriceTier, ...], input_tokens: int) -> Rates:
    """The rates of the last tier that `input_tokens` reaches; `tiers` ascend, the first from 0.

    Raises IndexError when there is no tier.
    """
    chosen = tiers[0]
    for tier in tiers:
        if input_tokens < tier.from_input_tokens:
            break
        chosen = tier
    return chosen.rates


def exact_micro_usd(tiers: tuple[PriceTier, ...], usage: Usage) -> float:
    """(input - cached - cache_write)·p_in + cached·p_cached + cache_write·p_write + output·p_out + p_request, and what
    `units` cost beyond that.

    The whole input chooses the tier. `Remainders` makes whole nano-USD of it.
    """
    rates = tiers[0].rates if len(tiers) == 1 else rates_for(tiers, usage.input)
    if usage.units is not NO_UNITS:
        return _of_text(rates, usage) + _of_units(rates, usage.units)
    return _of_text(rates, usage)


def _of_units(rates: Rates, units: Units) -> float:
    """Micro-USD of units, beyond what their tokens cost as text."""
    if rates.units is None:
        return 0.0
    return parts(units, rates.units, rates.input, rates.cached_input, rates.output) + beside_tokens(units, rates.units)


def _of_text(rates: Rates, usage: Usage) -> float:
    if not (usage.cached or usage.cache_write):
        return usage.input * rates.input + usage.output * rates.output + rates.request * MICRO_PER_USD
    # Upstreams have been seen to report more cached tokens than input tokens; that must not earn money.
    uncached = max(0, usage.input - usage.cached - usage.cache_write)
    return (
        uncached * rates.input
        + usage.cached * rates.cached_input
        + (usage.cache_write - usage.cache_write_1h) * rates.cache_write
        + usage.cache_write_1h * rates.longest_cache_write
        + usage.output * rates.output
        + rates.request * MICRO_PER_USD
    )


class Remainders:
    """Whole nano-USD of exact amounts, with what rounding leaves over carried into the next one of the same account.

    A single request is booked with its price, give or take a nano-USD, and so is the sum of an account (a cell of the
    ledger), however many requests and whatever their size.

    An amount never becomes more than it is rounded up, which is what is held for it.
    """

    def __init__(self) -> None:
        self._left: dict[Hashable, float] = {}

    def whole(self, account: Hashable, micro_usd: float) -> int:
        if not micro_usd:
            return 0
        left = self._left.get(account)
        if left is None:
            if len(self._left) >= _ACCOUNTS:
                self._left.clear()
            left = 0.5
        nano = micro_usd * NANO_PER_MICRO
        total = nano + left
        whole = min(int(total), math.ceil(nano - _DUST))
        self._left[account] = total - whole
        return whole


def cost_of(route: Route, usage: Usage, now: float) -> float:
    """Micro-USD of an answer that was asked for at `now`, exactly."""
    tariff = route.prices.at(now)
    return exact_micro_usd(tariff.services.get(usage.service, tariff.tiers), usage)


def is_priced(route: Route, service: str, now: float) -> bool:
    """Whether the price of a service tier is known; where it is not, the standard price counts, as an estimate."""
    return service in STANDARD or service in route.prices.at(now).services


def counterfactual(others: tuple[Route, ...], usage: Usage, now: float) -> float | None:
    """Micro-USD that the cheapest of the other side's routes would have charged for the same tokens at the same time;
    None without any."""
    return min([cost_of(other, usage, now) for other in others], default=None)


def compared(others: Alternatives, route: Route, usage: Usage, now: float) -> tuple[float, float]:
    """Exact micro-USD that an answer cost that was asked for at `now`, and that the other side would have charged then.

    Where only the cloud could serve it, that is what it cost: nothing was saved or lost.
    """
    cost = cost_of(route, usage, now)
    side = others.cloud if route.owned else others.own
    other = cost_of(side[0], usage, now) if len(side) == 1 else counterfactual(side, usage, now)
    if other is None:
        other = 0.0 if route.owned else cost
    return cost, other


def marginal(route: Route, input_tokens: int, output_tokens: float, now: float) -> float:
    """Micro-USD that one more request would cost on `route` at `now`, not rounded: for comparing, not for charging.

    For owned routes that is the variable cost only: the rent is sunk while the GPU is on.
    """
    rates = rates_for(route.prices.at(now).tiers, input_tokens)
    return input_tokens * rates.input + output_tokens * rates.output + rates.request * MICRO_PER_USD


def worst_case(steps: tuple[Step, ...], input_tokens: int, output_tokens: int) -> int:
    """Nano-USD on the dearest of the routes that `steps` were made of; 0 without any.

    `input_tokens` is an upper estimate, so all steps up to its own may turn out to hold.
    """
    dearest = 0.0
    for from_input_tokens, per_input, per_output, request in steps:
        if from_input_tokens <= input_tokens:
            cost = input_tokens * per_input + output_tokens * per_output + request
            if cost > dearest:
                dearest = cost
    return _whole(dearest)


def worst_units(routes: Iterable[Route], units: Units, now: float, later: float) -> int:
    """Nano-USD that units may cost on the dearest of the routes, beyond what `worst_case` makes of their tokens."""
    tiers = [
        tier
        for route in routes
        for tariff in route.prices.within(now, later)
        for tiers in (tariff.tiers, *tariff.services.values())
        for tier in tiers
    ]
    costs = [
        at_most(units, tier.rates.units, tier.rates.input, tier.rates.output)
        for tier in tiers
        if tier.rates.units is not None
    ]
    return _whole(max(costs, default=0.0))


def steps_of(routes: Iterable[Route], now: float, later: float, service: str = "") -> tuple[Step, ...]:
    """The prices between these times that may be the dearest, with every input token at a tier's dearest input rate.

    `service` is the service tier that was asked for.
    """
    tariffs = [tariff for route in routes for tariff in route.prices.within(now, later)]
    steps = {_step(tier) for tariff in tariffs for tiers in _tiers(tariff, service) for tier in tiers}
    return tuple(sorted(step for step in steps if not any(_is_below(step, other) for other in steps)))


def _tiers(tariff: Tariff, asked: str) -> list[tuple[PriceTier, ...]]:
    """What a request may be served in: a provider without room for a tier serves the standard; and where it chooses
    itself, or the tier is unknown, any."""
    if asked in tariff.services:
        return [tariff.tiers, tariff.services[asked]]
    if asked in STANDARD and asked != "auto":
        return [tariff.tiers]
    return [tariff.tiers, *tariff.services.values()]


def _step(tier: PriceTier) -> Step:
    rates = tier.rates
    per_input = max(rates.input, rates.cached_input, rates.cache_write, rates.longest_cache_write)
    return tier.from_input_tokens, per_input, rates.output, rates.request * MICRO_PER_USD


def _is_below(step: Step, other: Step) -> bool:
    """Whether another step is never the cheaper one, and holds wherever this one does."""
    return step != other and other[0] <= step[0] and all(map(operator.le, step[1:], other[1:]))


def _whole(micro_usd: float) -> int:
    if micro_usd <= 0:
        return 0
    return math.ceil(micro_usd * NANO_PER_MICRO - _DUST) or 1
