"""GET /v1/models and /v1/models/{id}: what this key may use."""

from __future__ import annotations

from collections.abc import Mapping

from router.core.decision.refusals import usable
from router.core.name_patterns import is_pattern, takes
from router.core.values import BackendState, KeyGrant, Plan
from router.gateway.errors import ApiError
from router.surfaces.base import Surface


def visible(plan: Plan, key: KeyGrant, states: Mapping[str, BackendState]) -> list[str]:
    """Names and aliases that the key may ask for; of what patterns take, those that price lists spell out and those
    that the patterns' own backends list."""
    named = [name for name in plan.models if not is_pattern(name)]
    return [
        name for name in dict.fromkeys((*named, *plan.published, *_listed(plan, states))) if _may_ask(plan, key, name)
    ]


def askable(plan: Plan, key: KeyGrant, states: Mapping[str, BackendState]) -> set[str]:
    """The same, with the patterns that take other names."""
    return {*visible(plan, key, states), *filter(is_pattern, usable(plan, key.permits.models))}


def _listed(plan: Plan, states: Mapping[str, BackendState]) -> list[str]:
    patterns = {name: model for name, model in plan.models.items() if is_pattern(name)}
    found = []
    for pattern, model in patterns.items():
        for route in model.routes:
            state = states.get(route.backend)
            listed = state.models if state is not None and state.models is not None else ()
            found += sorted(name for name in listed if takes(pattern, name))
    return found


def _may_ask(plan: Plan, key: KeyGrant, name: str) -> bool:
    if key.permits.models is None:
        return True
    model = plan.models[name]
    names = {name, model.name} if any(route.as_asked for route in model.routes) else {model.name}
    return any(takes(each, called) for each in key.permits.models for called in names)


def listing(surface: Surface, plan: Plan, key: KeyGrant, states: Mapping[str, BackendState]) -> bytes:
    return surface.models(visible(plan, key, states))


def single(surface: Surface, plan: Plan, key: KeyGrant, states: Mapping[str, BackendState], name: str) -> bytes:
    """Raises ApiError 404 for a model that does not exist, or not for this key."""
    if name not in visible(plan, key, states):
        message = f"The model {name[:100]!r} does not exist here, or not for this key. GET /v1/models lists what does."
        raise ApiError(404, "model_not_found", message, param="model")
    return surface.model(name)
