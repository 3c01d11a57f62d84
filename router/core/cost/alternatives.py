"""Where one request could have gone: what its tokens are compared with, and whether they count towards the break-even.

Only what the request is decides this: its key, its level and tags, what it asks for. A backend that is ill, full or
switched off is an alternative all the same, or a bad hour would look like a request that nobody else could serve. A
cloud that may not even have the model is none: nothing is saved by not paying a price that was guessed.
"""

from __future__ import annotations

from collections.abc import Sequence

from router.core.values import Alternatives, ModelPlan, Plan, Route


def alternatives_of(plan: Plan, model: ModelPlan, permitted: frozenset[str], able: Sequence[Route]) -> Alternatives:
    """Of a request that may reach the zones `permitted`, and that the routes `able` may take and can serve."""
    own = tuple([route for route in able if route.owned])
    cloud = tuple([route for route in able if not (route.owned or route.guessed_price)])
    captive = not cloud and _may_not_leave(plan, model, permitted)
    return Alternatives(own, cloud, bool(own and cloud), captive)


def _may_not_leave(plan: Plan, model: ModelPlan, permitted: frozenset[str]) -> bool:
    """A model without a cloud route is kept at home by its level all the same; without any cloud nothing is kept."""
    clouds = {route.zone for route in model.routes if not route.owned}
    if not clouds:
        clouds = {name for name, zone in plan.policy.zones.items() if not zone.owned}
    return bool(clouds) and clouds.isdisjoint(permitted)
