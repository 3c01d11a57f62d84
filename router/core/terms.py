"""What the holds of all requests with one decision and one key have in common."""

from __future__ import annotations

from msgspec import Struct

from router.core.bill import BOTH, CLOUD, LOCAL
from router.core.values import Cell, Decision, KeyGrant, ModelPlan, Route


class Terms(Struct, frozen=True):
    decision: Decision
    key: KeyGrant
    model: ModelPlan
    routes: tuple[Route, ...]
    local_routes: tuple[Route, ...]
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
    return Terms(decision, key, model, routes, local, cell_of(routes[0], model.name, key), local_cell, sides)


def cell_of(route: Route, model: str, key: KeyGrant) -> Cell:
    return Cell(route.backend, route.zone, model, key.team, key.name)
