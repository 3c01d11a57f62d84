"""What the holds of all requests with one decision and one key have in common, for as long as prices do."""

from __future__ import annotations

from msgspec import Struct

from router.core.cost.pricing import Step, steps_of
from router.core.limits.counters import BOTH, CLOUD, LOCAL
from router.core.values import Cell, Decision, KeyGrant, ModelPlan, Route


class Terms(Struct, frozen=True):
    decision: Decision
    key: KeyGrant
    model: ModelPlan
    routes: tuple[Route, ...]
    steps: tuple[Step, ...]
    """Prices of the routes until the last attempt may begin, for the worst case."""
    local_steps: tuple[Step, ...]
    """Of the own ones."""
    cell: Cell
    """Of the first candidate."""
    local_cell: Cell | None
    """Of the first own one, when that is another."""
    sides: int
    until: float
    """When other prices may count, in seconds since the epoch."""


def terms_of(
    decision: Decision, key: KeyGrant, model: ModelPlan, now: float, longest: float, service: str = ""
) -> Terms:
    """Of a request that arrives at `now`, whose last attempt begins `longest` seconds later at most.

    `service` is the service tier that it asks for.
    """
    routes = tuple([candidate.route for candidate in decision.candidates])
    local = tuple([route for route in routes if route.owned])
    sides = BOTH if 0 < len(local) < len(routes) else LOCAL if local else CLOUD
    local_cell = cell_of(local[0], model.name, key) if sides == BOTH and not routes[0].owned else None
    cell = cell_of(routes[0], model.name, key)
    later = now + longest
    steps, local_steps = steps_of(routes, now, later, service), steps_of(local, now, later)
    until = min(min(route.prices.until(now), route.prices.until(later) - longest) for route in routes)
    return Terms(
        decision=decision,
        key=key,
        model=model,
        routes=routes,
        steps=steps,
        local_steps=local_steps,
        cell=cell,
        local_cell=local_cell,
        sides=sides,
        until=until,
    )


def cell_of(route: Route, model: str, key: KeyGrant) -> Cell:
    return Cell(route.backend, route.zone, model, key.team, key.name)
