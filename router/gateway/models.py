"""GET /v1/models and /v1/models/{id}: what this key may use."""

from __future__ import annotations

from router.core.values import KeyGrant, ModelPlan, Plan
from router.gateway.errors import ApiError
from router.surfaces.base import Surface


def visible(plan: Plan, key: KeyGrant) -> dict[str, ModelPlan]:
    """Names and aliases that the key may ask for."""
    return {name: model for name, model in plan.models.items() if key.models is None or model.name in key.models}


def listing(surface: Surface, plan: Plan, key: KeyGrant) -> bytes:
    return surface.models(visible(plan, key))


def single(surface: Surface, plan: Plan, key: KeyGrant, name: str) -> bytes:
    """Raises ApiError 404 for a model that does not exist, or not for this key."""
    if name not in visible(plan, key):
        message = f"The model {name[:100]!r} does not exist here, or not for this key. GET /v1/models lists what does."
        raise ApiError(404, "model_not_found", message, param="model")
    return surface.model(name)
