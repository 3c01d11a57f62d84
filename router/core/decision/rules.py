"""Which of the policy's rules hold for a request, and what they change together.

The first rule that holds sets the cost strategy and the quality floor. Zones are different: every rule that
holds narrows them, and a rule for a level also binds the more restricted levels. Only so can a label, or one
more rule, never give a request a zone that it would not have had without.
"""

from __future__ import annotations

from msgspec import Struct

from router.core.name_patterns import takes
from router.core.policy import CostOverride, Rule, When
from router.core.values import Facts, Plan


class Applied(Struct, frozen=True):
    """What the rules change for one request."""

    names: tuple[str, ...] = ()
    """Rules that took part, in the policy's order."""
    cost: CostOverride | None = None
    quality_floor: float = 0.0
    zones: frozenset[str] | None = None
    """The only zones that the rules leave; None when no rule narrows them."""


NOTHING = Applied()


def applied(plan: Plan, facts: Facts, model: str, level: str, tags: tuple[str, ...], hour: int) -> Applied:
    """The effect of all rules on a request for `model` (the policy's name of it), classified as `level` and `tags`."""
    if not plan.policy.rules:
        return NOTHING
    first: Rule | None = None
    zones: frozenset[str] | None = None
    names: list[str] = []
    for rule in plan.policy.rules:
        when = rule.when
        if not _holds(when, facts, model, tags, hour):
            continue
        leads = first is None and when.level in (None, level)
        narrows = rule.zones is not None and (when.level is None or reaches(plan.levels, level, when.level))
        if leads:
            first = rule
        if narrows:
            zones = frozenset(rule.zones or ()) if zones is None else zones.intersection(rule.zones or ())
        if leads or narrows:
            names.append(rule.name)
    if first is None:
        return Applied(tuple(names), zones=zones)
    return Applied(tuple(names), first.cost, first.quality_floor or 0.0, zones)


def _holds(when: When, facts: Facts, model: str, tags: tuple[str, ...], hour: int) -> bool:
    return (
        (when.tag is None or when.tag in tags)
        and (when.model is None or takes(when.model, model))
        and (when.team is None or when.team == facts.key.team)
        and (when.key is None or when.key == facts.key.name)
        and (when.endpoint is None or when.endpoint == facts.endpoint)
        and (when.hours is None or within(when.hours, hour))
    )


def reaches(levels: tuple[str, ...], level: str, least: str) -> bool:
    """Whether `level` is `least` or more restricted, in the order of `levels`; False for a level that is not listed."""
    return level in levels and least in levels[: levels.index(level) + 1]


def within(hours: str, hour: int) -> bool:
    """Whether `hour` (0 to 23) is in "from-to", the end excluded; "22-04" goes past midnight, "06-06" is all day."""
    start, end = int(hours[:2]), int(hours[3:])
    if start < end:
        return start <= hour < end
    return hour >= start or hour < end
