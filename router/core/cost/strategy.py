"""Which side cost prefers, and in which order candidates are tried.

A strategy never removes a candidate. `cheapest` compares single requests, on whichever side they are; every
other strategy prefers a side, and inside a side the cheaper request goes first. Equal prices keep the order
in which the policy names the backends.

The volume strategies remember one bit, the side that they preferred last (`Snapshot.previous`): once local,
they go back to the cloud only when the volume falls below N·(1 - hysteresis).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from router.core.cost.breakeven import Shares, break_even, shares
from router.core.cost.pricing import marginal
from router.core.policy import CostOverride, Strategy, Window
from router.core.values import BreakEven, Facts, Plan, Preference, Route, Side, Snapshot

_WINDOWS: Mapping[Window, str] = {
    "today": "today",
    "trailing_24h": "in the last 24 hours",
    "yesterday": "yesterday",
}
_SO_LOCAL = ": the own GPUs are preferred."
_SO_CLOUD = ": the cloud is preferred."


class Case(Struct, frozen=True):
    """What a strategy looks at."""

    strategy: Strategy
    threshold: int
    """Tokens per day, for the strategy `threshold`."""
    plan: Plan
    snapshot: Snapshot
    facts: Facts
    routes: Sequence[Route]
    """Routes that may and can serve the request, whatever their health and load; at least one."""


def side_of(route: Route) -> Side:
    return Side.LOCAL if route.owned else Side.CLOUD


def case_of(
    facts: Facts, plan: Plan, snapshot: Snapshot, routes: Sequence[Route], override: CostOverride | None
) -> Case:
    """The policy's cost section, with what a rule puts in its place."""
    cost = plan.policy.cost
    if override is None:
        return Case(cost.strategy, cost.threshold_tokens_per_day, plan, snapshot, facts, routes)
    threshold = override.threshold_tokens_per_day or cost.threshold_tokens_per_day
    return Case(override.strategy or cost.strategy, threshold, plan, snapshot, facts, routes)


def prefer(case: Case) -> Preference:
    """The side that the strategy prefers, whether or not a candidate of that side is left."""
    return STRATEGIES[case.strategy](case)


def remembered(case: Case, preference: Preference, override: CostOverride | None) -> Side:
    """The side to hand back as `Snapshot.previous`.

    A rule speaks for some requests only, so what it prefers must not move the hysteresis of all the others.
    """
    if override is None:
        return preference.side
    return prefer(case_of(case.facts, case.plan, case.snapshot, case.routes, None)).side


def in_order(case: Case, preferred: Side, routes: list[Route]) -> list[Route]:
    """`routes` (in the policy's order) in the order in which they are tried."""
    if len(routes) < 2:
        return routes
    if case.strategy == "cheapest":
        return _by_price(case, routes)
    leads = preferred is Side.LOCAL
    first = [route for route in routes if route.owned is leads]
    second = [route for route in routes if route.owned is not leads]
    return _by_price(case, first) + _by_price(case, second)


def _by_price(case: Case, routes: list[Route]) -> list[Route]:
    if len(routes) < 2:
        return routes
    output = _expected_output(case)
    return sorted(routes, key=lambda route: marginal(route, case.facts.input_tokens, output, case.snapshot.at))


def _threshold(case: Case) -> Preference:
    return _by_volume(case, case.threshold, "threshold", "the threshold")


def _breakeven(case: Case) -> Preference:
    cloud = case.plan.cloud_reference.at(case.snapshot.at)
    if cloud is None:
        return Preference(
            Side.CLOUD,
            "breakeven-unreachable",
            "No model is served by both an own GPU and the cloud, so there is no break-even; the cloud is preferred.",
        )
    terms = break_even(case.plan.gpu, cloud, _mix(case))
    if terms.tokens_per_day is None or not terms.reachable:
        return Preference(Side.CLOUD, "breakeven-unreachable", _unreachable(terms))
    return _by_volume(case, _exact(terms.tokens_per_day), "breakeven", "the break-even")


class Band(StrEnum):
    """Where a volume lies. In the band of the hysteresis local stays local."""

    ABOVE = "above"
    HYSTERESIS = "hysteresis"
    BELOW = "below"


def band(volume: int, needed: float, hysteresis: float, previous: Side) -> Band:
    """Local from `needed` eligible tokens on; below that local as long as it was local, down to the hysteresis."""
    if volume >= needed:
        return Band.ABOVE
    if previous is Side.LOCAL and volume >= _exact(needed * (1 - hysteresis)):
        return Band.HYSTERESIS
    return Band.BELOW


def _by_volume(case: Case, needed: float, code: str, name: str) -> Preference:
    volume = case.snapshot.seen.total
    cost = case.plan.policy.cost
    where = band(volume, needed, cost.hysteresis, case.snapshot.previous)
    seen = f"{volume:,} eligible tokens {_WINDOWS[cost.window]}"
    reason = f"{code}-{where.value}"
    if where is Band.ABOVE:
        return Preference(Side.LOCAL, reason, f"{seen}, at or above {name} of {needed:,.0f}{_SO_LOCAL}")
    if where is Band.HYSTERESIS:
        back_below = _exact(needed * (1 - cost.hysteresis))
        return Preference(
            Side.LOCAL,
            reason,
            f"{seen}, below {name} of {needed:,.0f} but not yet below {back_below:,.0f},"
            f" where the cloud takes over again{_SO_LOCAL}",
        )
    return Preference(Side.CLOUD, reason, f"{seen}, below {name} of {needed:,.0f}{_SO_CLOUD}")


def volume_band(plan: Plan, snapshot: Snapshot) -> Band | None:
    """What the policy's own strategy makes of the volume; None where it does not look at it or nothing breaks even."""
    cost = plan.policy.cost
    if cost.strategy == "threshold":
        return band(snapshot.seen.total, cost.threshold_tokens_per_day, cost.hysteresis, snapshot.previous)
    if cost.strategy != "breakeven":
        return None
    cloud = plan.cloud_reference.at(snapshot.at)
    if cloud is None:
        return None
    terms = break_even(plan.gpu, cloud, shares(snapshot.seen, cost.mix))
    if terms.tokens_per_day is None or not terms.reachable:
        return None
    return band(snapshot.seen.total, _exact(terms.tokens_per_day), cost.hysteresis, snapshot.previous)


def _exact(tokens: float) -> float:
    """Without float dust: 1 - 0.7 is a little more than 0.3 in binary, which would move a switch by a token."""
    return round(tokens, 3)


def _unreachable(terms: BreakEven) -> str:
    if terms.tokens_per_day is None:
        return (
            f"The cloud costs ${terms.cloud_usd_per_million:.4g} per million tokens and the own GPUs"
            f" ${terms.local_usd_per_million:.4g} on top of their rent, so they never break even{_SO_CLOUD}"
        )
    return (
        f"The break-even of {terms.tokens_per_day:,.0f} tokens a day is more than"
        f" the {terms.capacity_tokens_per_day:,.0f} that the own GPUs can serve{_SO_CLOUD}"
    )


def _cheapest(case: Case) -> Preference:
    output = _expected_output(case)
    best = min(case.routes, key=lambda route: marginal(route, case.facts.input_tokens, output, case.snapshot.at))
    return Preference(
        side_of(best),
        "cheapest",
        f"{best.backend} charges least for one more request of this size; the rent of own GPUs is paid either way.",
    )


def _local_first(case: Case) -> Preference:
    return Preference(Side.LOCAL, "local-first", "The policy tries the own GPUs first.")


def _cloud_first(case: Case) -> Preference:
    return Preference(Side.CLOUD, "cloud-first", "The policy tries the cloud first.")


STRATEGIES: Mapping[Strategy, Callable[[Case], Preference]] = {
    "threshold": _threshold,
    "breakeven": _breakeven,
    "cheapest": _cheapest,
    "local_first": _local_first,
    "cloud_first": _cloud_first,
}


def _mix(case: Case) -> Shares:
    return shares(case.snapshot.seen, case.plan.policy.cost.mix)


def _expected_output(case: Case) -> float:
    """What the request asks for at most, else as much as goes with such an input in the traffic's mix."""
    if case.facts.max_output_tokens is not None:
        return case.facts.max_output_tokens
    mix = _mix(case)
    return case.facts.input_tokens * mix.output / max(mix.input + mix.cached, 0.01)
