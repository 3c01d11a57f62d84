"""Which side cost prefers for one request, and in which order candidates are tried.

What a strategy prefers is `core.cost.strategies`'s; this shows it the request. Equal prices keep the order in which the
policy names the backends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from router.core.cost.breakeven import Shares, break_even, break_even_at, shares
from router.core.cost.preference import BreakEven, Preference, Side
from router.core.cost.pricing import marginal
from router.core.cost.strategies import STRATEGIES, Band, LooksAt, Strategy, band
from router.core.policy import CostOverride, Window
from router.core.values import Facts, Plan, Route, Snapshot

_WINDOWS: Mapping[Window, str] = {
    "today": "today",
    "trailing_24h": "in the last 24 hours",
    "yesterday": "yesterday",
}


class Comparison(Struct, frozen=True):
    """One request's routes, to be compared by cost: a `Case` of the strategies."""

    strategy: Strategy
    threshold: int
    """Tokens per day, for strategies that take one."""
    plan: Plan
    snapshot: Snapshot
    facts: Facts
    routes: Sequence[Route]
    """Routes that may and can serve the request, whatever their health and load; at least one."""

    @property
    def volume(self) -> int:
        return self.snapshot.seen.total

    @property
    def window(self) -> str:
        return _WINDOWS[self.plan.policy.cost.window]

    @property
    def hysteresis(self) -> float:
        return self.plan.policy.cost.hysteresis

    @property
    def previous(self) -> Side:
        return self.snapshot.previous

    def break_even(self) -> BreakEven | None:
        return _break_even(self.plan, self.snapshot)

    def cheapest(self) -> tuple[str, Side]:
        best = min(self.routes, key=_price(self))
        return best.backend, side_of(best)


def side_of(route: Route) -> Side:
    return Side.LOCAL if route.owned else Side.CLOUD


def comparison_of(
    facts: Facts, plan: Plan, snapshot: Snapshot, routes: Sequence[Route], override: CostOverride | None
) -> Comparison:
    """By the policy's cost section, with what a rule puts in its place."""
    cost = plan.policy.cost
    strategy, threshold = cost.strategy, cost.threshold_tokens_per_day
    if override is not None:
        strategy = override.strategy or strategy
        threshold = override.threshold_tokens_per_day or threshold
    return Comparison(STRATEGIES[strategy], threshold, plan, snapshot, facts, routes)


def prefer(comparison: Comparison) -> Preference:
    """The side that the strategy prefers, whether or not a candidate of that side is left."""
    return comparison.strategy.prefer(comparison)


def prefer_on(comparison: Comparison, usable: Sequence[Route]) -> Preference | None:
    """What one request more costs decides between the cloud and own units that are on, where we switch these: whether
    they are worth their rent was decided when they were switched on. None where that is not so, or by another
    strategy's choice."""
    own = [route for route in usable if route.owned]
    clouds = [route for route in comparison.routes if not route.owned]
    by_volume = comparison.strategy.looks_at is LooksAt.VOLUME
    if not (by_volume and own and clouds and all(route.powered for route in own)):
        return None
    price = _price(comparison)
    if min(map(price, own)) <= min(map(price, clouds)):
        return Preference(Side.LOCAL, "gpu-on", "The own GPUs are on, and one request more costs no more there.")
    return Preference(Side.CLOUD, "cloud-cheaper", "The own GPUs are on, but one request more costs less in the cloud.")


def _break_even(plan: Plan, snapshot: Snapshot) -> BreakEven | None:
    """At the price of this traffic; until there is any, at that of the cheapest cloud route of all models."""
    cloud = plan.cloud_reference.at(snapshot.at)
    if cloud is None:
        return None
    if snapshot.cloud_price is not None:
        return break_even_at(plan.gpu, snapshot.cloud_price)
    return break_even(plan.gpu, cloud, _mix(plan, snapshot))


def remembered(comparison: Comparison, preference: Preference, override: CostOverride | None) -> Side:
    """The side to hand back as `Snapshot.previous`.

    A rule speaks for some requests only, so what it prefers must not move the hysteresis of all the others.
    """
    if override is None:
        return preference.side
    one = comparison
    return prefer(comparison_of(one.facts, one.plan, one.snapshot, one.routes, None)).side


def in_order(comparison: Comparison, preferred: Side, routes: list[Route]) -> list[Route]:
    """`routes` (in the policy's order) in the order in which they are tried."""
    if len(routes) < 2:
        return routes
    if comparison.strategy.by_price:
        return _by_price(comparison, routes)
    leads = preferred is Side.LOCAL
    first = [route for route in routes if route.owned is leads]
    second = [route for route in routes if route.owned is not leads]
    return _by_price(comparison, first) + _by_price(comparison, second)


def _by_price(comparison: Comparison, routes: list[Route]) -> list[Route]:
    return routes if len(routes) < 2 else sorted(routes, key=_price(comparison))


def _price(comparison: Comparison) -> Callable[[Route], float]:
    """What the request costs on a route, in micro-USD."""
    tokens, output, at = comparison.facts.input_tokens, _expected_output(comparison), comparison.snapshot.at
    return lambda route: marginal(route, tokens, output, at)


def volume_bands(plan: Plan) -> Callable[[Snapshot], Band | None]:
    """Tells what the policy's own strategy makes of the volume; None where it does not look or nothing breaks even."""
    cost = plan.policy.cost
    switches_at, threshold, hysteresis = (
        STRATEGIES[cost.strategy].switches_at,
        cost.threshold_tokens_per_day,
        cost.hysteresis,
    )
    if switches_at is None:
        return lambda snapshot: None

    def find(snapshot: Snapshot) -> Band | None:
        needed = switches_at(threshold, partial(_break_even, plan, snapshot))
        return None if needed is None else band(snapshot.seen.total, needed, hysteresis, snapshot.previous)

    return find


def _mix(plan: Plan, snapshot: Snapshot) -> Shares:
    return shares(snapshot.seen, plan.policy.cost.mix)


def _expected_output(comparison: Comparison) -> float:
    """What the request asks for at most, else as much as goes with such an input in the traffic's mix."""
    facts = comparison.facts
    if facts.max_output_tokens is not None:
        return facts.max_output_tokens
    mix = _mix(comparison.plan, comparison.snapshot)
    return facts.input_tokens * mix.output / max(mix.input + mix.cached, 0.01)
