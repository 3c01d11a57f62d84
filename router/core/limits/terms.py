"""What the holds of all requests with one decision have in common, whosever they are, for as long as prices do."""

from __future__ import annotations

from msgspec import Struct

from router.core.cost.pricing import Step, steps_of
from router.core.limits.counters import BOTH, CLOUD, LOCAL
from router.core.values import Cell, Decision, KeyGrant, ModelPlan, Route


class Terms(Struct, frozen=True):
    decision: Decision
    model: ModelPlan
    routes: tuple[Route, ...]
    steps: tuple[Step, ...]
    """Prices of the routes until the last attempt may begin, for the worst case."""
    local_steps: tuple[Step, ...]
    """Of the own ones."""
    local: Route | None
    """The first own one, when it is not the first of all."""
    sides: int
    until: float
    """When other prices may count, in seconds since the epoch."""


def terms_of(decision: Decision, model: ModelPlan, now: float, longest: float, service: str = "") -> Terms:
    """Of a request that arrives at `now`, whose last attempt begins `longest` seconds later at most.

    `service` is the service tier that it asks for.
    """
    routes = tuple([candidate.route for candidate in decision.candidates])
    local = tuple([route for route in routes if route.owned])
    sides = BOTH if 0 < len(local) < len(routes) else LOCAL if local else CLOUD
    later = now + longest
    steps, local_steps = steps_of(routes, now, later, service), steps_of(local, now, later)
    until = min(min(route.prices.until(now), route.prices.until(later) - longest) for route in routes)
    return Terms(
        decision=decision,
        model=model,
        routes=routes,
        steps=steps,
        local_steps=local_steps,
        local=local[0] if sides == BOTH and not routes[0].owned else None,
        sides=sides,
        until=until,
    )


def cell_of(route: Route, model: str, key: KeyGrant) -> Cell:
    return Cell(route.backend, route.zone, model, key.team, key.name)
