"""GET /v1/models and /v1/models/{id}: what this key may use, in OpenAI's shape."""

from __future__ import annotations

from typing import Any

import msgspec

from router.core.values import KeyGrant, ModelPlan, Plan
from router.gateway.errors import ApiError

OWNER = "breakeven"
CREATED = 1_700_000_000
"""OpenAI's shape needs a time; models of a policy have none that would mean anything."""


def visible(plan: Plan, key: KeyGrant) -> dict[str, ModelPlan]:
    """Names and aliases that the key may ask for."""
    return {name: model for name, model in plan.models.items() if key.models is None or model.name in key.models}


def listing(plan: Plan, key: KeyGrant) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [_entry(name) for name in visible(plan, key)]})


def single(plan: Plan, key: KeyGrant, name: str) -> bytes:
    """Raises ApiError 404 for a model that does not exist, or not for this key."""
    if name not in visible(plan, key):
        message = f"The model {name[:100]!r} does not exist here, or not for this key. GET /v1/models lists what does."
        raise ApiError(404, "model_not_found", message, param="model")
    return msgspec.json.encode(_entry(name))


def _entry(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": OWNER}
