"""What the holds of all requests with one decision and one key have in common."""

from __future__ import annotations

from msgspec import Struct

from router.core.bill import BOTH, CLOUD, LOCAL
from router.core.pricing import Step, steps_of
from router.core.values import Cell, Decision, KeyGrant, ModelPlan, Route


class Terms(Struct, frozen=True):
    decision: Decision
    key: KeyGrant
    model: ModelPlan
    routes: tuple[Route, ...]
    steps: tuple[Step, ...]
    """Prices of the routes, for the worst case."""
    local_steps: tuple[Step, ...]
    """Of the own ones."""
    cell: Cell
    """Of the first candidate."""
    local_cell: Cell | None
    """Of the first own one, when that is another."""
    sides: int


def terms_of(decision: Decision, key: KeyGrant, model: ModelPlan) -> Terms:
    routes = tuple([candidate.route for candidate in decision.candidates])
    local = tuple([route for route in routes if route.owned])
    sides = BOTH if 0 < len(local) < len(routes) else LOCAL if local else CLOUD
    local_cell = cell_of(local[0], model.name, key) if sides == BOTH and not routes[0].owned else None
    cell = cell_of(routes[0], model.name, key)
    return Terms(decision, key, model, routes, steps_of(routes), steps_of(local), cell, local_cell, sides)


def cell_of(route: Route, model: str, key: KeyGrant) -> Cell:
    return Cell(route.backend, route.zone, model, key.team, key.name)
