"""Whose a body is that came to a path of no surface's own, such as vLLM's /invocations."""

from __future__ import annotations

from typing import Any

import msgspec

from router.surfaces.base import Surface
from router.surfaces.registry import BY_FIELD

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def surface_of(body: bytes) -> Surface | None:
    """None for a body of none of them. It is decoded for that, once more than by the surface itself."""
    try:
        fields: dict[str, Any] = _decode(body)
    except (ValueError, RecursionError):
        return None
    return next((surface for field, surface in BY_FIELD.items() if field in fields), None)
